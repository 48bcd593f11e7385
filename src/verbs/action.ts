/** What commander hands to a verb. */
export type Flags = Readonly<Record<string, unknown>>;
/** Does what a command line asks. */
export type Deed = () => Promise<void>;
/** Reads a command line and its cluster file, and asks no server. Throws `usage` with every mistake in them. */
export type Action = (args: readonly string[], flags: Flags) => Promise<Deed>;
