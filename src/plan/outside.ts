import { majorOf } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import { FLOORS } from '../facts/floors.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { systemOf, type StandbyState } from '../facts/view.ts';
import { parseConninfo } from '../render/conninfo.ts';
import { floorProblems } from './attach.ts';
import { slotGates } from './clone/copyGates.ts';
import { divergenceOf, type History } from './divergence.ts';
import { leadsTo, linkFiles, newPasswordSteps, relinkSteps, writtenLink, type Link } from './link.ts';
import { streamingStep } from './streaming.ts';
import { pastOf, type NodePast } from './rejoin/past.ts';
import type { Plan, Step } from './plan.ts';
import type { Source } from './source.ts';
import { refuse, unseen, type Refused } from './refusal.ts';
import { startOf } from './startOf.ts';
import { isUp, socketOf, type Seen } from './steps.ts';
import { upstreamSlotSteps } from './upstreamSlot.ts';
import type { Node } from '../cluster/types.ts';

export type OutsideRequest = {
  verb: 'follow' | 'rejoin';
  node: Node;
  /** `10.0.0.11:5432`. */
  upstream: string;
  link: Link;
  seconds: number;
  /** What the upstream said to the replication role, and the node's host; absent where nothing is to be asked. */
  asked?: OutsideAsked;
};

export type OutsideAsked = {
  source: Source | { problems: readonly Problem[]; unreachable: boolean };
  /** The upstream's own, or why it did not tell. */
  history: History | { said: string };
  past: NodePast;
  caughtUp: boolean;
};

type Known = Extract<NodeState, { is: 'standby' | 'stopped' }>;

/**
 * `follow` and `rejoin` without a cluster file, on the node's own host: the upstream is a server that is known by a
 * replication login alone. A slot there, the connection here, and the standby's own word that it streams. What has
 * to be rewound, or stopped elsewhere, wants a file.
 */
export function planOutside(state: ClusterState, request: OutsideRequest): Plan {
  const { node, upstream, verb } = request;
  const title = `${verb === 'follow' ? 'move' : 'join'} ${node.name} to ${upstream}`;
  const found = state.nodes.find((each) => each.node === node.name);
  const known = knownAs(found, request);
  if ('refusals' in known) return { title, steps: [], ...known };
  if (isThere(known, request.link)) return { title, refusals: [], steps: [] };
  const { asked } = request;
  if (asked === undefined) return { title, refusals: [{ message: `${upstream}: was not asked` }], steps: [] };
  const { source } = asked;
  if ('problems' in source)
    return { title, refusals: source.problems, unreachable: source.unreachable, steps: [] };
  const refusals = gatesOf(known, request, asked, source);
  return refusals.length > 0
    ? { title, refusals, steps: [] }
    : { title, refusals: [], steps: stepsOf(known, request, source), notes: notesOf(known, request) };
}

/** Nobody else knows that it went away from there. */
function notesOf(found: Known, { link }: OutsideRequest): readonly string[] {
  const { conninfo, slot } = ownLink(found);
  const { host, hostaddr, port = '5432' } = parseConninfo(conninfo) ?? {};
  const before = host ?? hostaddr;
  if (slot === '' || before === undefined || (before === link.host && Number(port) === link.port)) return [];
  return [
    `${found.node}: its slot ${slot} at ${before}:${port} holds WAL until it is dropped there: pgrepl slot drop -D DIR ${slot}`,
  ];
}

/** Whether it has to be asked at all: not for a standby that streams from there. */
export function isThere(found: NodeState | undefined, link: Link): boolean {
  return (
    found?.is === 'standby' &&
    found.streaming?.status === 'streaming' &&
    leadsTo(found.conninfo, found.slot, link)
  );
}

/** The connection that it has: its name, role and slot stay where the flags do not say otherwise. */
export function ownLink(found: Seen): { conninfo: string; slot: string } {
  if (found.is === 'standby') return { conninfo: found.conninfo, slot: found.slot };
  return found.is === 'stopped' ? writtenLink(found, found.version) : { conninfo: '', slot: '' };
}

function knownAs(found: NodeState | undefined, { node, verb, upstream }: OutsideRequest): Known | Refused {
  const { name } = node;
  switch (found?.is) {
    case undefined:
    case 'unreachable':
      return unseen(found, name);
    case 'mute':
      return refuse(`${name}: a server runs and does not answer: ${found.because}`, undefined, true);
    case 'standby':
      return found;
    case 'stopped':
      if (verb === 'rejoin') return found;
      return refuse(
        `${name}: does not run`,
        `pgrepl rejoin -D ${found.place.pgdata} --upstream ${upstream} starts it as a standby of that one.`,
      );
    case 'primary':
      return refuse(
        `${name}: takes writes, and is no standby`,
        'Stop it first, so that nobody writes to it; then rejoin joins it. With a cluster file rejoin stops it itself.',
      );
    case 'empty':
    case 'foreign':
      return refuse(
        `${name}: ${found.place.pgdata} is no data directory`,
        `pgrepl clone-standby -D ${found.place.pgdata} --from ${upstream} makes a standby.`,
      );
  }
}

function gatesOf(
  found: Known,
  request: OutsideRequest,
  asked: OutsideAsked,
  source: Source,
): readonly Problem[] {
  const anew = `pgrepl clone-standby -D ${found.place.pgdata} --from ${request.upstream} --replace copies it anew and keeps the old directory.`;
  const [here, there] = [systemOf(found), source.systemIdentifier];
  if (here !== there)
    return [
      {
        message: `${found.node}: is of the cluster ${here ?? '?'}, and ${source.name} is of ${there}`,
        hint: anew,
      },
    ];
  const own = majorOf(isUp(found) ? found.server.version : found.version);
  if (own !== majorOf(source.version))
    return [
      {
        message: `${found.node}: is of PostgreSQL ${own}, and ${source.name} of ${majorOf(source.version)}`,
        hint: anew,
      },
    ];
  return [
    ...historyGates(found, asked, source, anew),
    ...floorProblems(found, source.name, (name) => (FLOORS.includes(name) ? source.floors[name] : undefined)),
    ...(found.is === 'standby' && found.slot === request.link.slot && isOwnSlot(found, request.link)
      ? []
      : slotGates(request.link.slot, source)),
    ...lostGates(found, request, source, anew),
  ];
}

/** The slot there is its own: it was its upstream before. */
function isOwnSlot(found: StandbyState, link: Link): boolean {
  return leadsTo(found.conninfo, found.slot, link);
}

/** What was lost from the slot may be gone; the replication protocol does not tell which WAL is there. */
function lostGates(found: Known, { link }: OutsideRequest, source: Source, hint: string): readonly Problem[] {
  const lost = source.slots?.known.some(({ name, lost: is }) => name === link.slot && is) === true;
  return lost
    ? [
        {
          message: `${found.node}: its slot ${link.slot} at ${source.name} is lost: WAL that it needs is gone`,
          hint,
        },
      ]
    : [];
}

/** As for follow and rejoin with a file: nothing that it has may be missing from the upstream's history. */
function historyGates(found: Known, asked: OutsideAsked, source: Source, anew: string): readonly Problem[] {
  if ('said' in asked.history)
    return [{ message: `${source.name}: does not tell its history: ${asked.history.said}` }];
  const divergence = divergenceOf(pastOf(found, asked), asked.history);
  const hint = `With a cluster file \`pgrepl rejoin\` rewinds it. ${anew}`;
  switch (divergence.is) {
    case 'stranger':
      return [{ message: `${found.node}: has no timeline in common with ${source.name}`, hint: anew }];
    case 'diverged':
      return [
        {
          message: `${found.node}: has WAL past ${divergence.from}, where ${source.name} left timeline ${divergence.timeline}: they diverged`,
          hint,
        },
      ];
    case 'unknown':
      return [
        {
          message: `${found.node}: where its WAL ends is not known, and ${source.name} left timeline ${divergence.timeline} at ${divergence.from}`,
          hint,
        },
      ];
    case 'same timeline':
      if (found.is !== 'stopped' || /in recovery$|in archive recovery$/.test(found.control?.state ?? ''))
        return [];
      return [
        {
          message: `${found.node}: took writes on timeline ${divergence.timeline}, as ${source.name} does: nothing tells what is whose`,
          hint: anew,
        },
      ];
    case 'none':
      return [];
  }
}

function stepsOf(found: Known, request: OutsideRequest, source: Source): readonly Step[] {
  const { link, upstream, seconds } = request;
  const slot = upstreamSlotSteps({ found, link, upstream, source });
  const proof = (socket: ReturnType<typeof socketOf>): Step =>
    streamingStep(found.node, `it streams from ${upstream}`, socket, {
      host: link.host,
      port: link.port,
      slot: link.slot,
      lsn: found.is === 'standby' ? (found.replayed ?? '0/0') : '0/0',
      past: false,
      version: source.version,
      seconds,
    });
  if (found.is === 'standby') {
    const leads = leadsTo(found.conninfo, found.slot, link);
    const relink = leads ? newPasswordSteps(found, link) : relinkSteps(found, link);
    return [...slot, ...relink, proof(socketOf(found))];
  }
  const { place } = found;
  const files = linkFiles(found.node, source.version, link, {
    dir: place.real,
    real: place.real,
    before: writtenLink(found, source.version).conninfo,
    hasPassfile: place.signals.includes('pgrepl.pgpass'),
  });
  const { socket, steps } = startOf(found, request.node);
  return [...slot, ...files, ...steps, proof(socket)];
}
