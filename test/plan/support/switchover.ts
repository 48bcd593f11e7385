import { SESSION } from '../../../src/cluster/session.ts';
import { ofMajor } from '../../../src/cluster/version.ts';
import type { Problem } from '../../../src/errors.ts';
import type { ClusterState, NodeState, Place, Server } from '../../../src/facts/state.ts';
import type { PrimaryState, StandbyState } from '../../../src/facts/view.ts';
import { planSwitchover } from '../../../src/plan/switchover/switchover.ts';
import type { Plan, Step } from '../../../src/plan/plan.ts';
import { shownArgv, shownText } from '../../../src/report/redact.ts';
import { Secret, type Text } from '../../../src/tools/words.ts';
import {
  CLUSTER,
  lsn,
  mute,
  place as placeOf,
  primary,
  setting,
  slot,
  standby,
  stateWith,
  stopped,
  walsender,
} from '../../report/fixtures.ts';

export const MB = 1024 * 1024;

export const TO_PG2 = 'host=10.0.0.2 port=5432 user=replicator';
export const TO_PG1 = 'host=10.0.0.1 port=5432 user=replicator';

/** What a server has that nobody configured. */
export const SETTINGS = Object.fromEntries(
  Object.entries({
    max_connections: '100',
    max_prepared_transactions: '0',
    max_locks_per_transaction: '64',
    max_wal_senders: '10',
    max_worker_processes: '8',
    max_replication_slots: '10',
    synchronous_standby_names: '',
    archive_mode: 'off',
  }).map(([name, value]) => [name, setting(value)]),
);

export const settings = (more: Readonly<Record<string, string>>): Partial<Server> => ({
  settings: {
    ...SETTINGS,
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, setting(value)])),
  },
});

export const major = (number: number): Partial<Server> => ({ version: ofMajor(number) });

/** A data directory that nobody marked. */
export const place = (more: Partial<Place> = {}): Place =>
  placeOf({ signals: [], socketDirs: ['/tmp'], ...more });

const AUTO = {
  path: '/pg/data/postgresql.auto.conf',
  text: "primary_conninfo = 'host=10.0.0.1'\nprimary_slot_name = 'own'\n",
};

/** A place whose postgresql.auto.conf has what a clone wrote there. */
export const cloned = (more: Partial<Place> = {}): Place =>
  place({ signals: ['standby.signal'], files: { auto: AUTO, included: [] }, ...more });

export function pg1(more: Partial<Server> = {}, rest: Partial<PrimaryState> = {}): PrimaryState {
  const below = { walsenders: [walsender('pg2'), walsender('pg3')], slots: [slot('pg2'), slot('pg3')] };
  return primary('pg1', { settings: SETTINGS, ...below, ...more }, { place: place(), ...rest });
}

export function follower(
  name: string,
  rest: Partial<StandbyState> = {},
  more: Partial<Server> = {},
): StandbyState {
  return standby(name, { place: cloned(), ...rest }, { settings: SETTINGS, ...more });
}

export const pg2 = (rest: Partial<StandbyState> = {}, more: Partial<Server> = {}): StandbyState =>
  follower('pg2', rest, more);
export const pg3 = (rest: Partial<StandbyState> = {}, more: Partial<Server> = {}): StandbyState =>
  follower('pg3', rest, more);

export const whole = (...changed: readonly NodeState[]): ClusterState => {
  const named = new Map(changed.map((each) => [each.node, each]));
  return stateWith(...[pg1(), pg2(), pg3()].map((each) => named.get(each.node) ?? each));
};

export function planFor(
  state: ClusterState,
  {
    to = 'pg2',
    logins = [],
    password = true,
  }: { to?: string; logins?: readonly Problem[]; password?: boolean } = {},
): Plan {
  const node = CLUSTER.nodes.find(({ name }) => name === to);
  if (node === undefined) throw new Error(to);
  return planSwitchover(CLUSTER, state, {
    node,
    maxLag: 16 * MB,
    role: 'replicator',
    addressOf: ({ address = '' }) => address,
    logins,
    seconds: 120,
    ...(password ? { password: new Secret('hunter2') } : {}),
  });
}

/** A server that was shut down when its shutdown checkpoint was at this position. */
export function shutDown(name: string, checkpoint: string, isStandby: boolean, conninfo?: string): NodeState {
  const text =
    conninfo === undefined ? '' : `primary_conninfo = '${conninfo}'\nprimary_slot_name = '${name}'\n`;
  const files = { auto: { path: '/pg/data/postgresql.auto.conf', text }, included: [] };
  return {
    ...stopped(name, isStandby, { checkpoint: lsn(checkpoint) }),
    place: place({ signals: isStandby ? ['standby.signal'] : [], files }),
  } as NodeState;
}

export const whys = ({ steps }: Plan): readonly string[] => steps.map(({ node, why }) => `${node}: ${why}`);

/** A server that runs and does not answer. */
export function silent(name: string, because: string, more: Partial<Place> = {}): NodeState {
  const starting = /starting up/.test(because);
  return { ...mute(name, starting), because, place: place(more) } as NodeState;
}

/** A plan as text that changes with the plan alone: of the shell that steps run only the name is shown. */
export function golden({ title, steps, undo = [], pointOfNoReturn }: Plan): string {
  const list = (all: readonly Step[], after = 0): string[] =>
    all.flatMap((step, at) => [
      `${after + at + 1}. ${step.node}: ${step.why}${step.lane === undefined ? '' : ` (lane ${step.lane})`}`,
      ...bodyOf(step).map((line) => `     ${line}`),
    ]);
  const before = list(steps.slice(0, pointOfNoReturn));
  return [
    title,
    ...before,
    '-- no way back --',
    ...list(steps.slice(pointOfNoReturn), pointOfNoReturn),
    '-- undo --',
    ...list(undo),
    '',
  ].join('\n');
}

function bodyOf(step: Step): readonly string[] {
  if (step.do === 'write') return [`write ${step.path} ${step.mode}`, ...linesOf(step.content)];
  const [first = '', flag, , ...rest] = shownArgv(step.argv);
  const words = first === 'sh' && flag === '-c' ? rest : shownArgv(step.argv);
  const login = step.do === 'run' && step.asLogin === true ? ' (as the login)' : '';
  const until = step.do === 'expect' ? [`until ${step.stdout}, at most ${step.seconds} s`] : [];
  return [
    `${words
      .join(' ')
      .replace(`env ${SESSION} `, '')
      .replace(/ sh -c .*? start /s, ' start ')}${login}`,
    ...linesOf(step.stdin ?? []),
    ...until,
  ];
}

function linesOf(text: Text): readonly string[] {
  return shownText(text)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `| ${line}`);
}
