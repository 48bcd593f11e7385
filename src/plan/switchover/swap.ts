import type { Cluster } from '../../cluster/types.ts';
import { startAgain, stopStep } from './handover.ts';
import type { Link } from '../link.ts';
import { letInSteps } from '../letIn.ts';
import { moveSteps } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { cleanSteps, promotionSteps } from '../promote/promote.ts';
import { socketOf } from '../steps.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';
import { outageMost, moveOf, linkFor, movesEarly } from './moving.ts';
import { placeSteps } from './place.ts';
import { replayed, takesWrites, followsStep } from './proofs.ts';
import { dropSlots } from '../dropSlots.ts';
import { undoSteps } from './takeBack.ts';

/** All that a swap does once every gate has let it through. */
export function swapPlan(cluster: Cluster, cast: Cast, request: SwitchoverRequest): Plan {
  const { primary, candidate } = cast;
  const link = linkFor(cluster, primary.node, candidate, request);
  const before = [
    ...letInSteps(cast.candidate, request.role, request.allow ?? []),
    ...placeSteps(cluster, cast, link, request),
    stopStep(primary, outageMost(request)),
    replayed(candidate, outageMost(request)),
  ];
  return {
    title: `swap ${primary.node} and ${candidate.node}`,
    refusals: [],
    steps: [...before, ...actSteps(cast, request), ...afterSteps(cluster, cast, link, request)],
    undo: undoSteps(cluster, cast, link, request),
    pointOfNoReturn: before.length,
  };
}

/** The promotion and the return of the old primary go on side by side: it can only come back as a standby. */
function actSteps({ primary, candidate }: Cast, request: SwitchoverRequest): readonly Step[] {
  return [
    ...promotionSteps(candidate, request).map((step) => ({ ...step, lane: candidate.node })),
    ...startAgain(primary, 'start it as a standby', outageMost(request), primary.node),
  ];
}

/** What has no hurry once writes are taken; every node for itself. */
function afterSteps(
  cluster: Cluster,
  cast: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
  const { primary, candidate, siblings } = cast;
  const { node } = primary;
  const early = siblings.filter(movesEarly);
  return [
    followsStep(node, socketOf(primary), candidate, link, request.seconds),
    ...dropSlots(
      cluster,
      primary,
      [candidate, ...early].map(({ node: name }) => name),
    ).map((step) => ({ ...step, lane: node })),
    ...cleanSteps(candidate).map((step) => ({ ...step, lane: candidate.node })),
    ...early.map((sibling) => {
      const own = linkFor(cluster, sibling.node, candidate, request);
      return followsStep(sibling.node, socketOf(sibling), candidate, own, request.seconds);
    }),
    ...lateSteps(cluster, cast, request),
  ];
}

/**
 * Restarts, when writes are taken: what has no lane waits for what went on side by side before. The slots at the old
 * primary are in use until then.
 */
function lateSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  request: SwitchoverRequest,
): readonly Step[] {
  const late = siblings.filter((sibling) => !movesEarly(sibling));
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
