import type { Cluster } from '../cluster/types.ts';
import { has, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import { atLeast, type Lsn } from '../facts/lsn.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { primariesOf, stateOf, systemOf } from '../facts/view.ts';
import { parseConf } from '../render/conf.ts';
import { conninfoOf, leadsTo, passfileOf, passfileText, settingSteps } from './link.ts';
import { isMoved, linkTo, moveSteps, slotSteps } from './move.ts';
import type { Plan, Step } from './plan.ts';
import { cleanSteps, promotionSteps } from './promote.ts';
import { settleSteps } from './settle.ts';
import type { SwitchoverRequest } from './switchoverRequest.ts';
import { switchoverGates, type Cast } from './switchoverGates.ts';
import { recoveryConf } from '../render/recovery.ts';
import { ENSURE_STARTED, script, SHUT_DOWN } from '../tools/shell.ts';
import { start, startSoon } from '../tools/service.ts';
import { ask, copySafe, run, service, SERVER_SECONDS, socketOf, sql, write, type Up } from './steps.ts';

/** Seconds that the stop and the last bytes may take before everything is taken back. */
const OUTAGE_MOST = 60;

/**
 * Swaps the primary and a standby without losing an acknowledged write. Everything is placed beforehand, so that
 * the outage is a stop, a look at two positions and a promotion. Before the promotion any failure is undone.
 */
export function planSwitchover(cluster: Cluster, state: ClusterState, request: SwitchoverRequest): Plan {
  const title = `make ${request.node.name} the primary`;
  const found = stateOf(state, request.node.name);
  const refuse = (refusals: readonly Problem[], unreachable = false): Plan => ({
    title,
    refusals,
    unreachable,
    steps: [],
  });
  if (found === undefined || found.is === 'unreachable') {
    const hint = found?.hint === undefined ? {} : { hint: found.hint };
    return refuse([{ message: found?.because ?? `${request.node.name}: was not looked at`, ...hint }], true);
  }
  const primaries = primariesOf(state).filter((each) => systemOf(each) === systemOf(found));
  if (primaries.length > 1) return refuse([twoPrimaries(primaries)]);
  if (found.is === 'primary')
    return { title, refusals: [], steps: settleSteps(cluster, state, found, request) };
  if (found.is !== 'standby') return refuse([notAStandby(found)], found.is === 'mute');
  const [primary] = primaries;
  return primary === undefined
    ? planInterrupted(cluster, state, found, request, title)
    : planSwap(cluster, state, primary, found, request, title);
}

type Standby = Extract<NodeState, { is: 'standby' }>;
type Primary = Extract<NodeState, { is: 'primary' }>;
type Stopped = Extract<NodeState, { is: 'stopped' }>;

function twoPrimaries(primaries: readonly Primary[]): Problem {
  return {
    message: `${primaries.map(({ node }) => node).join(' and ')}: both take writes, and belong to one cluster`,
    hint: 'pgrepl status shows both; stop the wrong one, then pgrepl rejoin makes a standby of it.',
  };
}

function notAStandby(found: Exclude<NodeState, { is: 'standby' | 'primary' | 'unreachable' }>): Problem {
  const why =
    found.is === 'mute'
      ? `a server runs and does not answer: ${found.because}`
      : `is no running standby (${found.is})`;
  return { message: `${found.node}: ${why}`, hint: 'pgrepl status shows what is there.' };
}

/** Standbys that follow the old primary and are moved to the candidate first, as its cascade. */
function siblingsOf(cluster: Cluster, state: ClusterState, candidate: Standby): readonly Standby[] {
  return state.nodes.filter(
    (other): other is Standby =>
      other.is === 'standby' && other.node !== candidate.node && isSibling(cluster, state, other, candidate),
  );
}

function isSibling(cluster: Cluster, state: ClusterState, other: Standby, candidate: Standby): boolean {
  if (systemOf(other) !== systemOf(candidate)) return false;
  const position = other.received ?? other.replayed;
  // A sibling that is a little ahead waits as a cascade until the candidate has caught up: the primary still sends.
  const level: Standby =
    position === undefined ? candidate : { ...candidate, received: position, replayed: position };
  return isMoved(cluster, state, other, level);
}

function planSwap(
  cluster: Cluster,
  state: ClusterState,
  primary: Primary,
  candidate: Standby,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const cast: Cast = { primary, candidate, siblings: siblingsOf(cluster, state, candidate) };
  const refusals = [...switchoverGates(cast, request.maxLag), ...request.logins];
  if (refusals.length > 0) return { title, refusals, steps: [] };
  const before = [...placeSteps(cluster, cast, request), ...stopSteps(cast)];
  return {
    title: `swap ${primary.node} and ${candidate.node}`,
    refusals: [],
    steps: [...before, ...forwardSteps(cluster, cast, request)],
    undo: undoSteps(cluster, cast, request),
    pointOfNoReturn: before.length,
    notes: notesOf(state, cast),
  };
}

function notesOf(state: ClusterState, { primary, candidate }: Cast): readonly string[] {
  const unseen = state.nodes.filter((other) => other.is === 'unreachable').map(({ node }) => node);
  const sessions = primary.server.sessions;
  return [
    ...(sessions > 0 ? [`${primary.node}: ${sessions} session${sessions === 1 ? ' is' : 's are'} cut`] : []),
    ...unseen.map(
      (node) =>
        `${node}: cannot be looked at and is left alone; pgrepl follow ${node} --upstream ${candidate.node} when it is back`,
    ),
  ];
}

function linkFor(
  cluster: Cluster,
  name: string,
  upstream: Up,
  request: SwitchoverRequest,
): ReturnType<typeof linkTo> | undefined {
  const node = cluster.nodes.find((each) => each.name === name);
  const to = cluster.nodes.find((each) => each.name === upstream.node);
  if (node === undefined || to === undefined) return undefined;
  return linkTo(upstream, {
    node,
    host: request.addressOf(to),
    role: request.role,
    seconds: request.seconds,
    ...(request.password === undefined ? {} : { password: request.password }),
  });
}

/** What has no effect yet: the old primary's connection for its next start, slots, the siblings at the candidate. */
function placeSteps(cluster: Cluster, cast: Cast, request: SwitchoverRequest): readonly Step[] {
  const { primary, candidate, siblings } = cast;
  const link = linkFor(cluster, primary.node, candidate, request);
  if (link === undefined) return [];
  return [
    ...slotSteps(candidate, link.slot),
    ...siblings.flatMap((sibling) => siblingMove(cluster, sibling, candidate, request)),
    ...connectionSteps(primary, link),
  ];
}

/** `anyway`: the way back is planned while the sibling's connection still leads to the old primary. */
function siblingMove(
  cluster: Cluster,
  sibling: Standby,
  upstream: Up,
  request: SwitchoverRequest,
  anyway = false,
): readonly Step[] {
  const node = cluster.nodes.find((each) => each.name === sibling.node);
  const to = cluster.nodes.find((each) => each.name === upstream.node);
  if (node === undefined || to === undefined) return [];
  return moveSteps(sibling, upstream, {
    node,
    host: request.addressOf(to),
    role: request.role,
    lane: sibling.node,
    anyway,
    seconds: Math.min(request.seconds, OUTAGE_MOST),
    ...(request.password === undefined ? {} : { password: request.password }),
  });
}

/** Read at the next start alone: from then on it can only come back as a standby (xlogrecovery.c). */
function connectionSteps(primary: Primary, link: NonNullable<ReturnType<typeof linkFor>>): readonly Step[] {
  const { node, place, server } = primary;
  const conninfo = conninfoOf(link, place.real, '', place.signals.includes('pgrepl.pgpass'));
  const passfile: readonly Step[] =
    link.password === undefined
      ? []
      : [
          write(
            node,
            'the password, for the owner alone',
            passfileOf(place.real),
            passfileText({ ...link, password: link.password }),
            '0600',
          ),
        ];
  if (!has(server.version, RECOVERY_IN_SETTINGS)) {
    const text = recoveryConf({ primary_conninfo: conninfo, primary_slot_name: link.slot });
    return [
      ...passfile,
      write(node, 'at its next start it is a standby', `${place.real}/recovery.conf`, [text], '0600'),
    ];
  }
  return [
    ...passfile,
    ...settingSteps(
      primary,
      { primary_conninfo: conninfo, primary_slot_name: link.slot },
      `at its next start it follows ${link.host}:${link.port}`,
    ),
    write(node, 'at its next start it is a standby', `${place.real}/standby.signal`, [''], '0600'),
  ];
}

export const STOP = 'stop the primary: writes end here';

function stopSteps({ primary, candidate }: Cast): readonly Step[] {
  const { node, machine, place } = primary;
  return [
    sql(node, 'a checkpoint while it still serves, so that the stop is short', socketOf(primary), [
      'CHECKPOINT;',
    ]),
    run(node, STOP, [
      machine.programs.pg_ctl ?? 'pg_ctl',
      '-D',
      place.real,
      '-W',
      '-s',
      '-m',
      'fast',
      'stop',
    ]),
    run(
      node,
      'it has written its shutdown checkpoint',
      script(
        SHUT_DOWN,
        'shut-down',
        place.real,
        machine.programs.pg_controldata ?? 'pg_controldata',
        String(OUTAGE_MOST),
      ),
      {
        capture: 'shutdown',
        seconds: OUTAGE_MOST + 5,
      },
    ),
    ask(
      candidate.node,
      `${candidate.node} has replayed every byte of it`,
      socketOf(candidate),
      [`SELECT pg_last_wal_replay_lsn() > '`, { ref: 'shutdown' }, `'::pg_lsn;`],
      't',
      OUTAGE_MOST,
    ),
  ];
}

/** The promotion and the return of the old primary go on side by side: it can only come back as a standby. */
function forwardSteps(cluster: Cluster, cast: Cast, request: SwitchoverRequest): readonly Step[] {
  const { primary, candidate } = cast;
  const promote = promotionSteps(candidate, request).map((step) => ({ ...step, lane: candidate.node }));
  return [
    ...promote,
    ...startSteps(primary).map((step) => ({ ...step, lane: primary.node })),
    ...afterSteps(cluster, cast, request),
  ];
}

function startSteps(found: Primary | Stopped): readonly Step[] {
  const command = startSoon(found.machine, found.place);
  return [
    service(found.node, 'start it as a standby', {
      ...command,
      argv: script(
        ENSURE_STARTED,
        'start',
        found.place.real,
        String(OUTAGE_MOST),
        found.machine.programs.pg_ctl ?? 'pg_ctl',
        ...command.argv,
      ),
    }),
  ];
}

function afterSteps(
  cluster: Cluster,
  { primary, candidate, siblings }: Cast,
  request: SwitchoverRequest,
): readonly Step[] {
  const link = linkFor(cluster, primary.node, candidate, request);
  return [
    ...(link === undefined ? [] : [streams(primary, link, candidate.node, request.seconds)]),
    ...cleanSteps(candidate),
    ...dropSlots(cluster, primary, [candidate.node, ...siblings.map(({ node }) => node)]),
    sql(candidate.node, 'a checkpoint, for rejoining', socketOf(candidate), ['CHECKPOINT;']),
  ];
}

function streams(
  found: Up,
  link: NonNullable<ReturnType<typeof linkFor>>,
  upstream: string,
  seconds: number,
): Step {
  return ask(
    found.node,
    `it streams from ${upstream}`,
    socketOf(found),
    [
      `SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND slot_name = '${link.slot}');`,
    ],
    't',
    seconds,
  );
}

/** Slots of those who streamed from the old primary hold WAL there that nobody fetches any more. */
export function dropSlots(cluster: Cluster, found: Up, names: readonly string[]): readonly Step[] {
  const slots = cluster.nodes.filter(({ name }) => names.includes(name)).map(({ slot }) => slot);
  return found.server.slots
    .filter(({ name, type }) => type === 'physical' && slots.includes(name))
    .map(({ name }) =>
      sql(found.node, `drop the slot ${name}, which nobody uses here any more`, socketOf(found), [
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${copySafe(name)}' AND NOT active;`,
      ]),
    );
}

/** As before: the old primary serves, whatever it was stopped in, and the siblings stream from it again. */
function undoSteps(cluster: Cluster, cast: Cast, request: SwitchoverRequest): readonly Step[] {
  const { primary, candidate, siblings } = cast;
  const { node, place, server } = primary;
  const signal = has(server.version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
  const own = linkFor(cluster, node, candidate, request);
  return [
    run(node, 'it is no standby at its next start', ['rm', '-f', '--', `${place.real}/${signal}`]),
    service(node, `${node} runs`, {
      ...start(primary.machine, place),
      argv: script(
        ENSURE_STARTED,
        'start',
        place.real,
        '20',
        primary.machine.programs.pg_ctl ?? 'pg_ctl',
        ...start(primary.machine, place).argv,
      ),
    }),
    ask(
      node,
      `${node} takes writes again`,
      socketOf(primary),
      ['SELECT NOT pg_is_in_recovery();'],
      't',
      SERVER_SECONDS,
    ),
    ...cleanAfterUndo(primary),
    ...siblings.flatMap((sibling) => siblingMove(cluster, sibling, primary, request, true)),
    ...(own === undefined || candidate.server.slots.some(({ name }) => name === own.slot)
      ? []
      : [
          sql(candidate.node, `drop the slot ${own.slot} again`, socketOf(candidate), [
            `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${copySafe(own.slot)}' AND NOT active;`,
          ]),
        ]),
  ];
}

function cleanAfterUndo(primary: Primary): readonly Step[] {
  if (!has(primary.server.version, RECOVERY_IN_SETTINGS)) return [];
  return settingSteps(
    primary,
    { primary_conninfo: null, primary_slot_name: null },
    'nothing of a standby stays in its settings',
  );
}

/** No primary runs: an earlier switchover was cut short between the stop and the promotion, or one was stopped by hand. */
function planInterrupted(
  cluster: Cluster,
  state: ClusterState,
  candidate: Standby,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const old = state.nodes.filter(
    (other): other is Stopped =>
      other.is === 'stopped' &&
      systemOf(other) === systemOf(candidate) &&
      other.control?.state === 'shut down',
  );
  const unseen = state.nodes.filter((other) => other.is === 'unreachable' || other.is === 'mute');
  const [stopped] = old;
  if (stopped?.control === undefined || old.length > 1 || unseen.length > 0) {
    return {
      title,
      refusals: [
        {
          message: `${candidate.node}: no primary is seen that it could swap with${unseen.length > 0 ? `; ${unseen.map(({ node }) => node).join(', ')} cannot be looked at` : ''}`,
          hint: `If the primary is gone: pgrepl promote ${candidate.node}`,
        },
      ],
      unreachable: unseen.length > 0,
      steps: [],
    };
  }
  const whole = candidate.replayed !== undefined && isPast(candidate.replayed, stopped.control.checkpoint);
  return whole ? goOn(cluster, stopped, candidate, request, title) : goBack(stopped, candidate, title);
}

function isPast(replayed: Lsn, checkpoint: Lsn): boolean {
  return atLeast(replayed, checkpoint) && replayed !== checkpoint;
}

/** The candidate has every byte: the promotion that did not happen, and the return of the old primary. */
function goOn(
  cluster: Cluster,
  stopped: Stopped,
  candidate: Standby,
  request: SwitchoverRequest,
  title: string,
): Plan {
  const link = linkFor(cluster, stopped.node, candidate, request);
  const promote = promotionSteps(candidate, request);
  const steps: readonly Step[] = [
    ...(link === undefined ? [] : slotSteps(candidate, link.slot)),
    ...promote,
    ...cleanSteps(candidate),
    ...(stopped.standby && hasLink(stopped, link) ? startSteps(stopped) : []),
  ];
  return {
    title,
    refusals: [],
    steps,
    notes: [`${stopped.node}: was shut down, and ${candidate.node} has everything it wrote`],
  };
}

function hasLink(stopped: Stopped, link: ReturnType<typeof linkFor>): boolean {
  if (link === undefined) return false;
  const text = has(stopped.version, RECOVERY_IN_SETTINGS)
    ? stopped.place.files.auto?.text
    : stopped.place.files.recovery?.text;
  const settings = new Map(parseConf(text ?? '').settings.map(({ name, value }) => [name, value]));
  return leadsTo(settings.get('primary_conninfo') ?? '', settings.get('primary_slot_name') ?? '', link);
}

/** Bytes are missing at the candidate: the old primary serves again, as it would have by the undo; then it is asked anew. */
function goBack(stopped: Stopped, candidate: Standby, title: string): Plan {
  const signal = has(stopped.version, RECOVERY_IN_SETTINGS) ? 'standby.signal' : 'recovery.conf';
  const steps = [
    ...(stopped.standby
      ? [
          run(stopped.node, 'it is no standby at its next start', [
            'rm',
            '-f',
            '--',
            `${stopped.place.real}/${signal}`,
          ]),
        ]
      : []),
    service(stopped.node, 'start the primary again', start(stopped.machine, stopped.place)),
  ];
  return {
    title,
    refusals: [],
    steps,
    notes: [`${candidate.node}: does not have everything ${stopped.node} wrote: it serves again first`],
  };
}
