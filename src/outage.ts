import type { Verb } from './operate.ts';

/**
 * Measures the time in which no client could write. Both ends must be seen: the last write that the old primary
 * took and the first that the new one takes. For a promotion of a standby whose primary was gone before, only the
 * promotion itself is measured.
 */
export function outageMeter(): {
  beside: (node: string) => NonNullable<Verb['beside']>;
  result: () => Readonly<Record<string, unknown>>;
} {
  let promotionBegan: number | undefined;
  let promotionEnded: number | undefined;
  return {
    beside: (node) => () => ({
      stepStarted: (step) => {
        if (step.node === node && step.why.startsWith('promote')) promotionBegan = performance.now();
      },
      stepDone: (step) => {
        if (step.node === node && step.why === 'it takes writes') promotionEnded = performance.now();
      },
      end: async () => undefined,
    }),
    result: () => ({
      writeOutageMs: null,
      ...(promotionBegan === undefined || promotionEnded === undefined
        ? {}
        : { promotionMs: Math.round(promotionEnded - promotionBegan) }),
    }),
  };
}
