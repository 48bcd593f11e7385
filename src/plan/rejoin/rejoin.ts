import type { Cluster, Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import { atLeast, bytesOf, distance, laterOf, type Lsn } from '../../facts/lsn.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { primariesOf, stateOf, systemOf } from '../../facts/view.ts';
import { start } from '../../tools/service.ts';
import type { Secret } from '../../tools/words.ts';
import {
  attachedStep,
  dropStep,
  floorGates,
  forgottenSlots,
  slotFor,
  slotGates,
  streamsFrom,
  walGates,
  type Standby,
  type Wal,
} from '../attach.ts';
import type { CloneRequest } from '../clone/cloneRequest.ts';
import { copySteps } from '../clone/copy.ts';
import { copyGates } from '../clone/copyGates.ts';
import { placeProblems } from '../create.ts';
import { divergenceOf, type Divergence, type Past } from '../divergence.ts';
import { notOurs } from '../initPrimary/initPrimary.ts';
import { leadsTo, linkFiles, relinkSteps, writtenLink, type Link } from '../link.ts';
import { linkTo } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import {
  abandonSteps,
  keptDirectory,
  rewindGates,
  rewindPlan,
  timelineOfStopped,
  type NodePast,
  type Rewind,
} from './rewind.ts';
import { pastOf } from './past.ts';
import { isUp, service, type Seen } from '../steps.ts';

export type RejoinRequest = {
  node: Node;
  allowReclone: boolean;
  role: string;
  password?: Secret;
  addressOf: (node: Node) => string;
  /** For the names of what is kept: `20261130T101500`. */
  stamp: string;
  seconds: number;
  /** What was asked outside of the planner; absent where it was not worth asking. */
  asked?: RejoinAsked;
};

export type RejoinAsked = {
  /** What the primary said to the replication role, asked from the node's host; or why it did not. */
  source: CloneRequest['source'];
  /** Why the role may not read there what pg_rewind reads; absent where it may. */
  rewinder?: string;
  wal: Wal | { said: string };
  past: NodePast;
  /** A running standby has replayed all that it received. */
  caughtUp: boolean;
};

type Primary = Extract<NodeState, { is: 'primary' }>;
type Known = Extract<NodeState, { is: 'stopped' | 'standby' | 'primary' }>;

/**
 * Makes an old primary, or a failed standby, a standby of the current primary, by the first of these that is safe:
 * nothing at all, a start, pg_rewind, and, where that is allowed, a new copy. Why the others will not do is in its
 * notes.
 */
export function planRejoin(cluster: Cluster, state: ClusterState, request: RejoinRequest): Plan {
  const cast = castOf(cluster, state, request);
  const title = `make ${request.node.name} a standby again`;
  if ('refusals' in cast) return { title, steps: [], ...cast };
  const { found, primary } = cast;
  const named = `make ${found.node} a standby of ${primary.node} again`;
  if (isHome(cluster, state, found, primary)) return planHome(cluster, state, found, primary, request, named);
  const asked = askedOf(cast, request);
  if ('refusals' in asked) return { title: named, steps: [], ...asked };
  return planLadder({ ...cast, ...asked, request }, named);
}

type Cast = { found: Seen; primary: Primary; link: Link };
type Refused = { refusals: readonly Problem[]; unreachable?: boolean };

function refuse(message: string, hint?: string, unreachable = false): Refused {
  return { refusals: [hint === undefined ? { message } : { message, hint }], unreachable };
}

/** The node, and the primary it is to follow: the only one of its cluster, whatever the file says. */
export function castOf(cluster: Cluster, state: ClusterState, request: RejoinRequest): Cast | Refused {
  const { node } = request;
  const found = stateOf(state, node.name);
  if (found === undefined || found.is === 'unreachable')
    return refuse(found?.because ?? `${node.name}: was not looked at`, found?.hint, true);
  if (found.is === 'foreign') return { refusals: [notOurs(found)] };
  const primary = primaryFor(state, found);
  if ('refusals' in primary) return primary;
  const upstream = cluster.nodes.find(({ name }) => name === primary.node);
  if (upstream === undefined) return refuse(`${primary.node}: is no node of the cluster`);
  const link = linkTo(primary, { ...request, host: request.addressOf(upstream) });
  return { found, primary, link };
}

function primaryFor(state: ClusterState, found: Seen): Primary | Refused {
  const others = primariesOf(state).filter(({ node }) => node !== found.node);
  const system = systemOf(found);
  const kin = system === undefined ? others : others.filter((other) => systemOf(other) === system);
  const [first, second] = kin;
  if (first === undefined) return noPrimary(state, found, others[0], system);
  if (second !== undefined)
    return refuse(
      `${kin.map(({ node }) => node).join(' and ')}: both take writes, and belong to one cluster`,
      `Stop the wrong one and rejoin it; then rejoin ${found.node}.`,
    );
  if (found.is === 'primary' && found.server.timeline > first.server.timeline)
    return refuse(
      `${found.node}: was promoted after ${first.node} (timeline ${found.server.timeline}, and ${first.node} is on ${first.server.timeline}): both take writes`,
      `pgrepl rejoin ${first.node} keeps what ${found.node} has; if ${first.node} is the right one, stop ${found.node} first.`,
    );
  return first;
}

function noPrimary(
  state: ClusterState,
  found: Seen,
  stranger: Primary | undefined,
  system: string | undefined,
): Refused {
  if (found.is === 'primary' && stranger === undefined)
    return refuse(
      `${found.node}: is the primary, and there is no other: nothing to rejoin`,
      'pgrepl status shows the cluster.',
    );
  if (stranger !== undefined)
    return refuse(
      `${found.node}: is of another cluster (system ${system ?? '?'}) than ${stranger.node} (system ${systemOf(stranger) ?? '?'})`,
      `pgrepl clone-standby ${found.node} --from ${stranger.node} --replace copies it anew and keeps the old directory`,
    );
  const unseen = state.nodes.filter((other) => other.is === 'unreachable' || other.is === 'mute');
  const names = unseen.filter(({ node }) => node !== found.node).map(({ node }) => node);
  if (names.length > 0)
    return refuse(
      `${found.node}: no primary is seen that it could follow, and ${names.join(', ')} cannot be looked at`,
      'pgrepl status tells why.',
      true,
    );
  return refuse(
    `${found.node}: there is no primary that it could follow`,
    'pgrepl promote makes a standby the primary.',
  );
}

/** Whether it streams already from the primary, or from standbys that do: nothing more need be asked. */
export function isHome(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  primary: Primary,
): found is Standby {
  return (
    found.is === 'standby' &&
    found.streaming?.status === 'streaming' &&
    streamsFrom(cluster, state, found.node, primary.node)
  );
}

/** Slots of a past life hold WAL on it that nobody fetches; those whose use is not known are named. */
function planHome(
  cluster: Cluster,
  state: ClusterState,
  found: Standby,
  primary: Primary,
  request: RejoinRequest,
  title: string,
): Plan {
  const idle = found.server.slots.filter(({ type, active }) => type === 'physical' && !active);
  const stale = idle.filter(({ name }) => isStale(cluster, state, found, primary, name));
  const steps = [
    ...stale.map(({ name }) =>
      dropStep(found, name, `drop the slot ${name}, which nobody uses here any more`),
    ),
    ...forgottenSlots(cluster, state, request.node, upstreamName(state, found, primary)),
  ];
  const notes = idle
    .filter((slot) => !stale.includes(slot))
    .map(
      ({ name, held }) =>
        `${found.node}: the slot ${name} is not in use and holds ${held} bytes of WAL; pgrepl slot drop ${found.node} ${name} if nobody needs it`,
    );
  return { title, refusals: [], steps, notes };
}

function upstreamName(state: ClusterState, found: Standby, primary: Primary): string {
  const there = state.nodes.find(
    (other) =>
      isUp(other) && other.server.walsenders.some(({ applicationName }) => applicationName === found.node),
  );
  return there?.node ?? primary.node;
}

/** The slot of a node that is the primary now, or that streams from elsewhere. */
function isStale(
  cluster: Cluster,
  state: ClusterState,
  found: Standby,
  primary: Primary,
  slot: string,
): boolean {
  return cluster.nodes.some((node) => {
    if (node.slot !== slot || node.name === found.node) return false;
    if (node.name === primary.node) return true;
    const other = stateOf(state, node.name);
    return (
      other?.is === 'standby' &&
      other.streaming?.status === 'streaming' &&
      !found.server.walsenders.some(({ applicationName }) => applicationName === node.name)
    );
  });
}

type Asked = RejoinAsked & { wal: Wal };

function askedOf({ found, primary }: Cast, { asked }: RejoinRequest): Asked | Refused {
  if (asked === undefined) return refuse(`${primary.node}: was not asked`, 'This is a bug.');
  const { wal, source, past } = asked;
  if (past.busy)
    return refuse(
      `${found.node}: a pg_rewind of an earlier run still works on it`,
      'Wait until it has ended, then run this again.',
    );
  if ('said' in wal)
    return refuse(`${primary.node}: does not tell its history: ${wal.said}`, 'It is read as a superuser.');
  if (typeof source === 'object' && 'problems' in source)
    return { refusals: source.problems, unreachable: source.unreachable };
  return { ...asked, wal };
}

type Climb = Cast & Asked & { request: RejoinRequest };

/** A rung that will do, or why it will not. */
type Rung = { plan: Omit<Plan, 'title' | 'refusals'> } | { why: readonly Problem[] };

function planLadder(climb: Climb, title: string): Plan {
  const rungs = [rungOfStart, rungOfRewind].map((rung) => rung(climb));
  const skipped: Problem[] = [running(climb)];
  for (const rung of rungs) {
    if ('plan' in rung) return done(title, rung.plan, skipped);
    skipped.push(...rung.why);
  }
  const reasons = skipped.slice(1);
  if (!climb.request.allowReclone)
    return {
      title,
      refusals: [...reasons, onlyCopy(climb)],
      steps: [],
    };
  const copied = rungOfCopy(climb);
  return 'plan' in copied ? done(title, copied.plan, skipped) : { title, refusals: copied.why, steps: [] };
}

function done(title: string, plan: Omit<Plan, 'title' | 'refusals'>, skipped: readonly Problem[]): Plan {
  return {
    title,
    refusals: [],
    ...plan,
    notes: [...skipped.map(({ message }) => message), ...(plan.notes ?? [])],
  };
}

function running({ found, primary }: Climb): Problem {
  switch (found.is) {
    case 'primary':
      return { message: `${found.node}: takes writes, a second primary beside ${primary.node}` };
    case 'standby':
      return { message: `${found.node}: runs as a standby, and does not stream from ${primary.node}` };
    case 'stopped':
      return { message: `${found.node}: does not run (${found.control?.state ?? 'state unknown'})` };
    case 'empty':
      return { message: `${found.node}: ${found.place.pgdata} is empty` };
    case 'mute':
    case 'foreign':
      return { message: `${found.node}: a server runs and does not answer` };
  }
}

function onlyCopy({ found, primary }: Climb): Problem {
  return {
    message: `${found.node}: only a new copy of ${primary.node} is left`,
    hint:
      found.is === 'empty'
        ? `pgrepl clone-standby ${found.node} makes one`
        : `pgrepl rejoin ${found.node} --allow-reclone copies it anew and keeps the old directory`,
  };
}

function isKnown(found: Seen): found is Known {
  return found.is === 'stopped' || found.is === 'standby' || found.is === 'primary';
}

/** It can be started, or pointed at the primary, as it is: everything it has is in the primary's history. */
function rungOfStart(climb: Climb): Rung {
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
function leastOf(found: Known, primary: Primary): Lsn {
  if (found.is !== 'stopped' || found.control === undefined) return primary.current;
  return laterOf(found.control.redo, found.control.minRecoveryEnd);
}

/** Why it may not stream from the primary as it is. */
function partedFrom(found: Known, primary: Primary, mine: Past, divergence: Divergence): Problem | undefined {
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
function twice(found: Known, primary: Primary, { record, end }: Past): Problem | undefined {
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

function hasOurLink(found: Seen, link: Link, primary: Primary): boolean {
  const { conninfo, slot } = writtenLink(found, primary.server.version);
  return leadsTo(conninfo, slot, link);
}

function startSteps({ found, primary, link, request }: Climb): readonly Step[] {
  const proof = attachedStep(found.node, primary, link, request.seconds);
  if (found.is === 'standby') {
    const relink = leadsTo(found.conninfo, found.slot, link) ? [] : relinkSteps(found, link);
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

function rungOfRewind(climb: Climb): Rung {
  const { found, primary, past, wal, request } = climb;
  if (!isKnown(found)) return { why: [] };
  if (past.rewinding === 'stuck')
    return {
      why: [
        {
          message: `${found.node}: was left half rewound, and cannot be rewound again: its WAL is not all there`,
        },
      ],
    };
  const mine = pastOf(found, climb);
  const divergence = divergenceOf(mine, wal.history);
  const rewound = past.rewinding !== undefined && isRewound(found, primary);
  if (divergence.is !== 'diverged' && divergence.is !== 'unknown' && !rewound)
    return past.rewinding === undefined ? { why: [] } : { why: [notAgain(found)] };
  const input = rewindOf(climb, divergence, mine, rewound);
  const why = rewindGates(input);
  if (why.length > 0) return { why };
  const kept = keptDirectory(found.place, input.fork.timeline, request.stamp);
  return {
    plan: {
      ...rewindPlan(input),
      confirm:
        found.is === 'primary' ? [`stop ${found.node} and discard what it alone has: ${lostOf(input)}`] : [],
      notes: [`${found.node}: lost: ${lostOf(input)}; its segments are kept in ${kept}`],
    },
  };
}

function notAgain(found: Seen): Problem {
  return { message: `${found.node}: was left half rewound, and what it was is not known any more` };
}

/** pg_rewind writes pg_control last, with the source's timeline: then every file of it was copied. */
function isRewound(found: Known, primary: Primary): boolean {
  return (
    found.is === 'stopped' &&
    found.control?.state === 'in archive recovery' &&
    timelineOfStopped(found.control) === primary.server.timeline
  );
}

function rewindOf(climb: Climb, divergence: Divergence, mine: Past, rewound: boolean): Rewind {
  const { found, primary, link, wal, past, request } = climb;
  const from = 'from' in divergence ? divergence.from : primary.current;
  const timeline = 'timeline' in divergence ? divergence.timeline : primary.server.timeline;
  const last = mine.record ?? mine.end;
  return {
    found,
    node: request.node,
    primary,
    link,
    wal,
    past: rewound ? { ...past, rewinding: 'done' } : past,
    fork: { timeline, from },
    ...(last === undefined ? {} : { last }),
    ...(climb.rewinder === undefined ? {} : { rewinder: climb.rewinder }),
    stamp: request.stamp,
    seconds: request.seconds,
  };
}

function lostOf({ fork, last }: Rewind): string {
  const range = `WAL of timeline ${fork.timeline} from ${fork.from}`;
  if (last === undefined || bytesOf(last) < bytesOf(fork.from)) return `${range} on`;
  return `${range} to ${last} (${distance(last, fork.from)} bytes)`;
}

/** The primary is copied anew beside it, and what is there is moved aside. */
function rungOfCopy(climb: Climb): Rung {
  const { found, primary, link, source, request } = climb;
  if (found.is === 'mute' || typeof source === 'string' || 'problems' in source)
    return { why: [onlyCopy(climb)] };
  const { node, stamp, seconds } = request;
  const clone: CloneRequest = {
    node,
    upstream: primary.node,
    link,
    source,
    replace: true,
    tablespaces: node.tablespaces ?? {},
    stamp,
    seconds,
    ...(node.waldir === undefined ? {} : { waldir: node.waldir }),
  };
  const gates = copyGates(found, clone, source);
  const why = [...placeProblems(found), ...gates.refusals];
  if (why.length > 0) return { why };
  const aside = asideOf(found, stamp);
  const moved = found.is === 'empty' ? {} : { aside };
  const copied = copySteps({ found, request: clone, source, ...moved });
  return {
    plan: {
      ...copied,
      steps: [...copied.steps, ...abandonSteps(found, climb.past, stamp)],
      confirm: [
        ...(found.is === 'empty'
          ? []
          : [
              `copy ${primary.node} anew and move ${found.place.pgdata} of ${found.node} aside to ${aside}${isUp(found) ? ', after stopping its server' : ''}`,
            ]),
        ...gates.confirm,
      ],
      notes: gates.notes,
    },
  };
}

function asideOf({ place }: Seen, stamp: string): string {
  const { real, mountPoint, parentWritable } = place;
  return mountPoint || !parentWritable ? `${real}/.pgrepl-old-${stamp}` : `${real}.pgrepl-old-${stamp}`;
}
