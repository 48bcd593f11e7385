/** What commander hands to a verb. */
export type Flags = Readonly<Record<string, unknown>>;
export type Action = (args: readonly string[], flags: Flags) => Promise<void>;
