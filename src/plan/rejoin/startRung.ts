import type { PrimaryState } from '../../facts/view.ts';
import type { Problem } from '../../errors.ts';
import { atLeast, laterOf, type Lsn } from '../../facts/lsn.ts';
import { start } from '../../tools/service.ts';
import { attachedStep, floorGates, slotFor, slotGates, walGates } from '../attach.ts';
import { divergenceOf, type Divergence, type Past } from '../divergence.ts';
import { isLinked, leadsTo, linkFiles, relinkSteps, writtenLink, type Link } from '../link.ts';
import type { Step } from '../plan.ts';
import { isKnown, pastOf, type Known } from './past.ts';
import { service, type Seen } from '../steps.ts';

import type { Climb, Rung } from './rung.ts';

/** It can be started, or pointed at the primary, as it is: everything it has is in the primary's history. */
export function rungOfStart(climb: Climb): Rung {
  const { found, primary, past, wal } = climb;
  if (found.is === 'mute') return rungOfMute(climb);
  if (!isKnown(found)) return { why: [] };
  if (past.rewinding !== undefined)
    return { why: [{ message: `${found.node}: an earlier rewind of it was cut short` }] };
  const mine = pastOf(found, climb);
  const divergence = divergenceOf(mine, wal.history);
  const parted = partedFrom(found, primary, mine, divergence);
  if (parted !== undefined) return { why: [parted] };
  const position = mine.record ?? mine.end ?? leastOf(found, primary);
  const why = [
    ...walGates(found, primary, wal, position),
    ...floorGates(found, primary),
    ...slotGates(primary, climb.request.node),
  ];
  if (why.length > 0) return { why };
  return { plan: { steps: startSteps(climb), notes: [`${found.node}: nothing it has is lost: no rewind`] } };
}

/** Where its WAL ends nobody could tell; so far it goes, or its data would not be consistent. */
function leastOf(found: Known, primary: PrimaryState): Lsn {
  if (found.is !== 'stopped' || found.control === undefined) return primary.current;
  return laterOf(found.control.redo, found.control.minRecoveryEnd);
}

/** Why it may not stream from the primary as it is. */
function partedFrom(
  found: Known,
  primary: PrimaryState,
  mine: Past,
  divergence: Divergence,
): Problem | undefined {
  switch (divergence.is) {
    case 'none':
      return undefined;
    case 'stranger':
      return { message: `${found.node}: has no timeline in common with ${primary.node}` };
    case 'diverged':
      return {
        message: `${found.node}: cannot stream as it is: it has WAL past ${divergence.from}, where ${primary.node} left timeline ${divergence.timeline}`,
      };
    case 'unknown':
      return {
        message: `${found.node}: cannot be started as it is: where its WAL ends is not known, and ${primary.node} left timeline ${divergence.timeline} at ${divergence.from}`,
      };
    case 'same timeline':
      return twice(found, primary, mine);
  }
}

/** Two servers that wrote on a timeline of one number: nothing tells their WAL apart, pg_rewind as little as we. */
function twice(found: Known, primary: PrimaryState, { record, end }: Past): Problem | undefined {
  const wrote =
    found.is === 'primary' ||
    (found.is === 'stopped' && /^(shut down|in production|shutting down)$/.test(found.control?.state ?? ''));
  const last = record ?? end;
  const ahead = found.is !== 'standby' && last !== undefined && !atLeast(primary.current, last);
  if (!wrote && !ahead) return undefined;
  return {
    message: wrote
      ? `${found.node}: took writes on timeline ${primary.server.timeline}, as ${primary.node} does: nothing tells what is whose`
      : `${found.node}: has WAL up to ${last ?? '?'} of timeline ${primary.server.timeline}, and ${primary.node} only up to ${primary.current}`,
  };
}

function rungOfMute({ found, link, primary, request }: Climb): Rung {
  const ours = found.is === 'mute' && found.starting && hasOurLink(found, link, primary);
  if (ours) return { plan: { steps: [attachedStep(found.node, primary, link, request.seconds)] } };
  const because = found.is === 'mute' ? `: ${found.because}` : '';
  return {
    why: [
      {
        message: `${found.node}: a server runs and does not answer${because}`,
        hint: `Stop it, then run this again.`,
      },
    ],
  };
}

function hasOurLink(found: Seen, link: Link, primary: PrimaryState): boolean {
  const { conninfo, slot } = writtenLink(found, primary.server.version);
  return leadsTo(conninfo, slot, link);
}

function startSteps({ found, primary, link, request }: Climb): readonly Step[] {
  const proof = attachedStep(found.node, primary, link, request.seconds);
  if (found.is === 'standby') {
    const relink = isLinked(found, primary, link) ? [] : relinkSteps(found, link);
    return [...slotFor(primary, link), ...relink, proof];
  }
  const { place, machine, node } = found;
  const version = primary.server.version;
  return [
    ...slotFor(primary, link),
    ...linkFiles(node, version, link, {
      dir: place.real,
      real: place.real,
      before: writtenLink(found, version).conninfo,
      hasPassfile: place.signals.includes('pgrepl.pgpass'),
    }),
    service(node, 'start it as a standby', start(machine, place)),
    proof,
  ];
}
