import type { Cluster } from '../../cluster/types.ts';
import { CONNINFO_BY_RELOAD, has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import type { NodeState } from '../../facts/state.ts';
import { timelineOf } from '../../facts/view.ts';
import { recoveryConf } from '../../render/recovery.ts';
import type { Socket } from '../../tools/psql.ts';
import { sqlLiteral } from '../../tools/words.ts';
import { OUTAGE_MOST, SHUTDOWN, startAgain, stopStep } from './handover.ts';
import { conninfoOf, passfileOf, passfileSteps, settingSteps, type Link } from '../link.ts';
import { letInSteps } from '../letIn.ts';
import { linkTo, moveSteps, slotSteps, type Move } from '../move.ts';
import type { Plan, Step } from '../plan.ts';
import { cleanSteps, promotionSteps } from '../promote/promote.ts';
import { ask, run, SERVER_SECONDS, socketOf, sql, write, type Up } from '../steps.ts';
import type { Cast } from './switchoverGates.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';

type Standby = Extract<NodeState, { is: 'standby' }>;
type Primary = Extract<NodeState, { is: 'primary' }>;

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

/** The longest that writes may be impossible before everything is taken back. */
export function outageMost({ seconds }: SwitchoverRequest): number {
  return Math.min(seconds, OUTAGE_MOST);
}

export function moveOf(cluster: Cluster, name: string, upstream: string, request: SwitchoverRequest): Move {
  const node = cluster.nodes.find((each) => each.name === name);
  const to = cluster.nodes.find((each) => each.name === upstream);
  if (node === undefined || to === undefined) throw new Error(`${name} or ${upstream} is no node`);
  return {
    node,
    host: request.addressOf(to),
    role: request.role,
    lane: name,
    seconds: request.seconds,
    ...(request.password === undefined ? {} : { password: request.password }),
  };
}

export function linkFor(cluster: Cluster, name: string, upstream: Up, request: SwitchoverRequest): Link {
  return linkTo(upstream, moveOf(cluster, name, upstream.node, request));
}

/** From 13 a standby is moved by reload, and beforehand; a restart would cut its sessions: that waits until it must be. */
function movesEarly({ server }: Standby): boolean {
  return has(server.version, CONNINFO_BY_RELOAD);
}

/**
 * What has no effect yet: slots, the siblings at the candidate, the old primary's connection and signal for its next
 * start. A checkpoint while it still serves makes the stop short. What is asked and what is written go side by side.
 */
function placeSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
  const { node, place } = primary;
  const lane = { lane: node };
  const asked = { lane: `${node} by SQL` };
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  const settings = { primary_conninfo: conninfo, primary_slot_name: link.slot };
  return [
    ...siblings.filter(movesEarly).flatMap((sibling) => {
      const move = moveOf(cluster, sibling.node, candidate.node, request);
      return moveSteps(sibling, candidate, { ...move, seconds: outageMost(request) });
    }),
    ...slotSteps(candidate, link.slot, candidate.node),
    ...passfileSteps(node, link, place.real, lane),
    ...(has(primary.server.version, RECOVERY_IN_SETTINGS)
      ? settingSteps(primary, settings, `at its next start it follows ${link.host}:${link.port}`, asked)
      : []),
    {
      ...sql(node, 'a checkpoint while it still serves', socketOf(primary), ['CHECKPOINT;'], asked),
      seconds: SERVER_SECONDS,
    },
    write(
      node,
      'at its next start it is a standby',
      `${place.real}/${signalOf(primary)}`,
      signalText(primary, link),
      '0600',
      lane,
    ),
  ];
}

function signalOf({ server }: Up): string {
  return has(server.version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
}

/** Read at the next start alone: from then on it can only come back as a standby (xlogrecovery.c). */
function signalText({ place, server }: Primary, link: Link): readonly string[] {
  if (has(server.version, RECOVERY_IN_SETTINGS)) return [''];
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  return [recoveryConf({ primary_conninfo: conninfo, primary_slot_name: link.slot })];
}

function replayed(candidate: Standby, seconds: number): Step {
  return ask(
    candidate.node,
    `${candidate.node} has replayed every byte of it`,
    socketOf(candidate),
    [`SELECT pg_last_wal_replay_lsn() > '`, { ref: SHUTDOWN }, `'::pg_lsn;`],
    't',
    seconds,
  );
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
  { primary, candidate, siblings }: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
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
    ...lateSteps(
      cluster,
      candidate,
      siblings.filter((sibling) => !movesEarly(sibling)),
      request,
    ),
  ];
}

/** Restarts, when writes are taken: what has no lane waits for what went on side by side before. */
function lateSteps(
  cluster: Cluster,
  candidate: Standby,
  late: readonly Standby[],
  request: SwitchoverRequest,
): readonly Step[] {
  if (late.length === 0) return [];
  return [
    takesWrites(candidate, request.seconds),
    ...late.flatMap((sibling) =>
      moveSteps(sibling, candidate, moveOf(cluster, sibling.node, candidate.node, request)),
    ),
  ];
}

function takesWrites(found: Up, seconds: number): Step {
  const why = `${found.node} takes writes`;
  return ask(found.node, why, socketOf(found), ['SELECT NOT pg_is_in_recovery();'], 't', seconds);
}

/** The standby's own word that it streams what the new primary writes. */
export function followsStep(
  name: string,
  socket: Socket,
  upstream: Standby,
  { slot }: Link,
  seconds: number,
): Step {
  const timeline = timelineOf(upstream) ?? 0;
  return ask(
    name,
    `it streams from ${upstream.node}`,
    socket,
    [
      `SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND slot_name = ${sqlLiteral(slot)} AND received_tli > ${timeline});`,
    ],
    't',
    seconds,
    { lane: name },
  );
}

/** Slots of those who streamed from the old primary hold WAL there that nobody fetches any more. */
function dropSlots(cluster: Cluster, found: Up, names: readonly string[]): readonly Step[] {
  const used = cluster.nodes.filter(({ name }) => names.includes(name)).map(({ slot }) => slot);
  const there = found.server.slots.flatMap(({ name, type }) =>
    type === 'physical' && used.includes(name) ? [name] : [],
  );
  return there.length === 0
    ? []
    : [
        dropStep(
          found,
          there,
          `drop the slot${there.length === 1 ? '' : 's'} ${there.join(' and ')}, which nobody uses here any more`,
        ),
      ];
}

export function dropStep(found: Up, slots: readonly string[], why: string, lane?: string): Step {
  const names = slots.map(sqlLiteral).join(', ');
  const text = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN (${names}) AND NOT active;`;
  return sql(found.node, why, socketOf(found), [text], lane === undefined ? {} : { lane });
}

/** Seconds that a stop which was begun may go on before an undo ends it: nobody can write meanwhile. */
const UNDO_MOST = 3;

/** As before: the old primary serves, whatever it was stopped in, and the siblings stream from it again. */
function undoSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  link: Link,
  request: SwitchoverRequest,
): readonly Step[] {
  const { node, place } = primary;
  const early = siblings.filter(movesEarly);
  const made = [
    link.slot,
    ...early.map((sibling) => linkFor(cluster, sibling.node, candidate, request).slot),
  ].filter((slot) => !candidate.server.slots.some(({ name }) => name === slot));
  return [
    run(node, 'it is no standby at its next start', ['rm', '-f', '--', `${place.real}/${signalOf(primary)}`]),
    ...startAgain(primary, `${node} runs`, UNDO_MOST),
    takesWrites(primary, SERVER_SECONDS),
    ...forgetLink(primary, link),
    ...early.flatMap((sibling) =>
      moveSteps(sibling, primary, {
        ...moveOf(cluster, sibling.node, node, request),
        anyway: true,
        seconds: OUTAGE_MOST,
      }),
    ),
    ...(made.length === 0
      ? []
      : [
          dropStep(
            candidate,
            made,
            `drop the slot${made.length === 1 ? '' : 's'} ${made.join(' and ')} again`,
          ),
        ]),
  ];
}

/** What was placed for its life as a standby, taken back. */
export function forgetLink(primary: Primary, link: Link): readonly Step[] {
  const { node, place, server } = primary;
  const file = passfileOf(place.real);
  return [
    ...(has(server.version, RECOVERY_IN_SETTINGS)
      ? settingSteps(
          primary,
          { primary_conninfo: null, primary_slot_name: null },
          'nothing of a standby stays in its settings',
        )
      : []),
    ...(link.password === undefined || place.signals.includes('pgrepl.pgpass')
      ? []
      : [run(node, 'the password goes', ['rm', '-f', '--', file])]),
  ];
}
