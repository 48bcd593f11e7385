import type { Node } from '../cluster/types.ts';
import type { Socket } from '../tools/psql.ts';
import { start } from '../tools/service.ts';
import { portOf } from './create.ts';
import { effective } from './effective.ts';
import type { Step } from './plan.ts';
import { builtInSocketDir, futureSocket, isUp, service, type Seen } from './steps.ts';

/** Starts a data directory that is there, and how it can be asked then: its files say where it listens. */
export function startOf(found: Seen, node: Node): { steps: readonly Step[]; socket: Socket } {
  return {
    steps: [service(found.node, 'start the server', start(found.machine, found.place))],
    socket: futureSocket(found, portAtStart(found, node), socketDirOf(found)),
  };
}

/** The port that a server has which was asked, or at its next start. */
export function portAtStart(found: Seen, node: Node): number {
  return isUp(found) ? found.server.port : Number(effective(found, 'port')?.value ?? portOf(node));
}

function socketDirOf(found: Seen): string {
  const first = effective(found, 'unix_socket_directories')?.value.split(',')[0]?.trim() ?? '';
  return first === '' ? builtInSocketDir(found) : first;
}
