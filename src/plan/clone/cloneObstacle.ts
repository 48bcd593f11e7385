import type { Problem } from '../../errors.ts';
import type { NodeState } from '../../facts/state.ts';
import { portOf } from '../create.ts';
import type { CloneRequest } from './cloneRequest.ts';
import { isUp, type Seen } from '../steps.ts';

/** What is where the copy is to go, and whether --replace may move it aside. */
export type Obstacle = { problem: Problem; replaceable: boolean };

export function otherUpstream(found: Seen, request: CloneRequest): Obstacle {
  const hint = `pgrepl follow ${found.node} --upstream ${request.upstream} moves it; --replace copies it anew and keeps the old directory`;
  return {
    problem: { message: `${found.node}: is a standby already, of another upstream or slot`, hint },
    replaceable: true,
  };
}

export function isPrimary(found: Extract<NodeState, { is: 'primary' }>, request: CloneRequest): Obstacle {
  const system = found.server.systemIdentifier;
  if (systemOfSource(request) === system) {
    const message = `${found.node}: takes writes, and is of the same cluster as ${request.upstream}: two primaries`;
    const hint = `pgrepl status shows both; pgrepl rejoin ${found.node} makes a standby of it, once it is stopped`;
    return { problem: { message, hint }, replaceable: false };
  }
  const message = `${found.node}: a server runs in ${found.place.pgdata} and takes writes (system ${system})`;
  const hint = 'With --replace it is stopped, and its directory is moved aside and kept.';
  return { problem: { message, hint }, replaceable: true };
}

export function isInTheWay(found: Extract<NodeState, { is: 'stopped' }>, request: CloneRequest): Obstacle {
  const id = found.control?.systemIdentifier;
  const same = id !== undefined && systemOfSource(request) === id;
  const what = same
    ? `a stopped server of this cluster`
    : `a data directory of another cluster (system ${id ?? 'unknown'})`;
  const hint = same
    ? `pgrepl rejoin ${found.node} makes a standby of it again; --replace copies anew and keeps the old directory`
    : 'With --replace it is moved aside and kept.';
  return { problem: { message: `${found.node}: ${found.place.pgdata} is ${what}`, hint }, replaceable: true };
}

function systemOfSource({ source }: CloneRequest): string | undefined {
  return typeof source === 'object' && 'systemIdentifier' in source ? source.systemIdentifier : undefined;
}

/** WAL that has a disk of its own must not land beside the data because nobody said where it goes. */
export function walProblem(found: Seen, request: CloneRequest): readonly Problem[] {
  const { walLink } = found.place;
  if (walLink === undefined || request.waldir !== undefined) return [];
  const what = isUp(found) ? 'the server that is there' : 'what is there';
  return [
    {
      message: `${found.node}: pg_wal of ${what} is a link to ${walLink}, which is kept with the old directory`,
      hint: 'Name the directory for the new WAL with --waldir.',
    },
  ];
}

/** The slot that the earlier run made at the upstream has its port in its name: without the port it would be left there. */
export function otherCopy(found: Seen, { node, earlierPort }: CloneRequest): readonly Problem[] {
  if (earlierPort === undefined || earlierPort === portOf(node)) return [];
  return [
    {
      message: `${found.node}: ${found.place.staging} is of a copy with --port ${earlierPort} that was cut short, and no port is named now`,
      hint: `--port ${earlierPort} goes on with it; --port ${portOf(node)} is another standby, and the slot of the first stays.`,
    },
  ];
}

export function portProblem(found: Seen, port: number): readonly Problem[] {
  const own = isUp(found) && found.server.port === port;
  if (own || !found.place.listening.includes(port)) return [];
  return [
    {
      message: `${found.node}: port ${port} is taken`,
      hint: 'Name another port with --port, or stop who listens there.',
    },
  ];
}
