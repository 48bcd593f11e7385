import { mkdirSync } from 'node:fs';
import type { Cluster } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Step } from '../plan/plan.ts';
import { onHost, SSH, type Become } from './host.ts';

/** The words that run a step on its node: behind its transport, as the owner of the data unless the login is wanted. */
export function onNodes(
  cluster: Cluster,
  state: ClusterState,
): (step: Pick<Step, 'node' | 'asLogin'>, argv: readonly string[]) => readonly string[] {
  const hosts = new Map(cluster.nodes.map((node) => [node.name, node.host]));
  const become = new Map(state.nodes.map((found) => [found.node, becomeOf(found)]));
  return (step, argv) => {
    const host = hosts.get(step.node) ?? { via: 'local' as const };
    return onHost(host, argv, step.asLogin === true ? undefined : become.get(step.node));
  };
}

function becomeOf(found: ClusterState['nodes'][number]): Become | undefined {
  if (found.is === 'unreachable' || found.machine.become === undefined) return undefined;
  return { user: found.machine.become, by: found.machine.by };
}

/** The directory of ssh's control sockets: ours alone, and short enough for a socket's path. */
export function prepareSsh(cluster: Cluster): void {
  if (cluster.nodes.some(({ host }) => host.via === 'ssh'))
    mkdirSync(SSH.controlDir, { recursive: true, mode: 0o700 });
}
