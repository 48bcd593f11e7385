import type { Plan } from '../../../src/plan/plan.ts';

/** A plan in the sentences that people see: refusals with `x` (`!` where a node does not answer), questions with `?`. */
export function told({ refusals, unreachable, confirm, steps, undo }: Plan): readonly string[] {
  return [
    ...refusals.map(({ message }) => `${unreachable === true ? '!' : 'x'} ${message}`),
    ...(confirm ?? []).map((line) => `? ${line}`),
    ...steps.map(({ node, why }) => `${node}: ${why}`),
    ...(undo ?? []).map(({ node, why }) => `undo ${node}: ${why}`),
  ];
}
