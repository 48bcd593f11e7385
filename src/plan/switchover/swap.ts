import type { Cluster } from '../../cluster/types.ts';
import { dropSlots } from '../dropSlots.ts';
import { letInSteps } from '../letIn.ts';
import { moveSteps } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { cleanSteps, promotionSteps } from '../promote/promote.ts';
import { socketOf } from '../steps.ts';
import { startAgain, stopStep } from './handover.ts';
import { linkFor, moveOf, outageMost, swapOf, type Swap } from './moving.ts';
import { placeSteps } from './place.ts';
import { followsStep, replayed, takesWrites } from './proofs.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';
import { undoSteps } from './takeBack.ts';

/** All that a swap does once every gate has let it through. */
export function swapPlan(cluster: Cluster, cast: Cast, request: SwitchoverRequest): Plan {
  const swap = swapOf(cluster, cast, request);
  const { primary, candidate } = swap;
  const before = [
    ...letInSteps(candidate, request.role, request.allow ?? []),
    ...placeSteps(swap),
    stopStep(primary, outageMost(request)),
    replayed(candidate, outageMost(request)),
  ];
  return {
    title: `swap ${primary.node} and ${candidate.node}`,
    refusals: [],
    steps: [...before, ...actSteps(swap), ...afterSteps(swap)],
    undo: undoSteps(swap),
    pointOfNoReturn: before.length,
  };
}

/** The promotion and the return of the old primary go on side by side: it can only come back as a standby. */
function actSteps({ primary, candidate, request }: Swap): readonly Step[] {
  return [
    ...promotionSteps(candidate, request).map((step) => ({ ...step, lane: candidate.node })),
    ...startAgain(primary, 'start it as a standby', outageMost(request), primary.node),
  ];
}

/** What has no hurry once writes are taken; every node for itself. */
function afterSteps(swap: Swap): readonly Step[] {
  const { cluster, request, primary, candidate, early, link } = swap;
  const { node } = primary;
  const moved = [candidate, ...early].map(({ node: name }) => name);
  return [
    followsStep(node, socketOf(primary), candidate, link, request.seconds),
    ...dropSlots(cluster, primary, moved).map((step) => ({ ...step, lane: node })),
    ...cleanSteps(candidate).map((step) => ({ ...step, lane: candidate.node })),
    ...early.map((sibling) => {
      const own = linkFor(cluster, sibling.node, candidate, request);
      return followsStep(sibling.node, socketOf(sibling), candidate, own, request.seconds);
    }),
    ...lateSteps(swap),
  ];
}

/**
 * Siblings that take a restart, once writes are taken: steps without a lane wait for the lanes before them. The slots
 * at the old primary are in use until then.
 */
function lateSteps({ cluster, request, primary, candidate, late }: Swap): readonly Step[] {
  if (late.length === 0) return [];
  return [
    takesWrites(candidate, request.seconds),
    ...late.flatMap((sibling) =>
      moveSteps(sibling, candidate, moveOf(cluster, sibling.node, candidate.node, request)),
    ),
    ...dropSlots(
      cluster,
      primary,
      late.map(({ node }) => node),
    ),
  ];
}
