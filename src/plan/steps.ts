import type { Machine, NodeState, Place, Server } from '../facts/state.ts';
import { psql, type Socket } from '../tools/psql.ts';
import type { ServiceCommand } from '../tools/service.ts';
import type { Argv, Text } from '../tools/words.ts';
import type { ExpectStep, RunStep, WriteStep } from './plan.ts';

/** A state with a host that was looked at. */
export type Seen = Extract<NodeState, { machine: Machine; place: Place }>;
export type Up = Extract<NodeState, { server: Server }>;

export function isSeen(state: NodeState): state is Seen {
  return state.is !== 'unreachable';
}

export function isUp(state: NodeState | undefined): state is Up {
  return state?.is === 'primary' || state?.is === 'standby';
}

/** How long a step may take that should take a moment. */
const MOMENT = 60;
/** How long a server may take to start or stop: crash recovery and a last checkpoint are in it. */
export const SERVER_SECONDS = 660;

type Extra = { lane?: string; asLogin?: true };

/** For a step that goes on beside others only where a lane is named. */
export function inLane(lane: string | undefined): { lane?: string } {
  return lane === undefined ? {} : { lane };
}

export function run(
  node: string,
  why: string,
  argv: Argv,
  extra: Extra & { stdin?: Text; seconds?: number; capture?: string } = {},
): RunStep {
  return { node, why, do: 'run', argv, seconds: MOMENT, ...extra };
}

/** A copy: no bound in time, its progress is shown, and it ends when we do. */
export function copy(
  node: string,
  why: string,
  argv: Argv,
  extra: Pick<RunStep, 'stdin' | 'hints'> = {},
): RunStep {
  return { node, why, do: 'run', argv, progress: true, ...extra };
}

export function service(node: string, why: string, command: ServiceCommand, extra: Extra = {}): RunStep {
  return { node, why, do: 'run', argv: command.argv, seconds: SERVER_SECONDS, ...asLogin(command), ...extra };
}

function asLogin(command: ServiceCommand): { asLogin?: true } {
  return command.asLogin === true ? { asLogin: true } : {};
}

export function write(
  node: string,
  why: string,
  path: string,
  content: Text,
  mode: string,
  extra: Extra & Pick<WriteStep, 'was' | 'flush'> = {},
): WriteStep {
  return { node, why, do: 'write', path, content, mode, ...extra };
}

export function sql(
  node: string,
  why: string,
  at: Socket,
  text: Text,
  extra: Extra & { capture?: string } = {},
): RunStep {
  return run(node, why, psql(at), { stdin: [...text, '\n'], ...extra });
}

export function ask(
  node: string,
  why: string,
  at: Socket,
  text: Text,
  stdout: string,
  seconds: number,
  extra: Extra = {},
): ExpectStep {
  return { node, why, do: 'expect', argv: psql(at), stdin: [...text, '\n'], stdout, seconds, ...extra };
}

/** How a server that runs is asked. */
export function socketOf(state: Up): Socket {
  return { ...state.server, psql: state.machine.programs.psql ?? 'psql' };
}

/** How a server will be asked that does not run yet. */
export function futureSocket(state: Seen, port: number, socketDir: string): Socket {
  const user = isUp(state) ? state.server.user : (state.place.superuser ?? ownerOf(state));
  return { psql: state.machine.programs.psql ?? 'psql', socketDir, port, user, database: 'postgres' };
}

/** Where a server makes its socket if nobody sets it; the default of a build is the first that its owner may write. */
export function builtInSocketDir({ place }: Seen): string {
  return place.service.by === 'pg_ctlcluster' ? '/var/run/postgresql' : (place.socketDirs[0] ?? '/tmp');
}

/** The owner of the data, who the server runs as; its superuser has the same name, as initdb has it. */
export function ownerOf({ machine }: Seen): string {
  return machine.become ?? machine.login;
}
