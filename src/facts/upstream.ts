import type { Cluster, Node } from '../cluster/types.ts';
import { parseConf } from '../render/conf.ts';
import { parseConninfo } from '../render/conninfo.ts';
import type { ClusterState, ConfigFiles, NodeState, Walsender } from './state.ts';
import { isRunning, stateOf } from './view.ts';

/** A standby as its upstream sees it. */
export type Attachment = { upstream: string; walsender: Walsender };
export type Endpoint = { host: string; port: number };

/** The node that really sends WAL to this one; where none does, the node its primary_conninfo points to. */
export function upstreamOf(cluster: Cluster, state: ClusterState, name: string): string | undefined {
  return attachmentOf(cluster, state, name)?.upstream ?? namedUpstream(cluster, state, name);
}

/** The live connection, from the upstream's pg_stat_replication. */
export function attachmentOf(cluster: Cluster, state: ClusterState, name: string): Attachment | undefined {
  const node = cluster.nodes.find((each) => each.name === name);
  if (node === undefined || stateOf(state, name)?.is === 'primary') return undefined;
  const attachments = state.nodes.flatMap((found) =>
    isRunning(found) && found.node !== name
      ? found.server.walsenders
          .filter((walsender) => isOf(cluster, node, walsender))
          .map((walsender) => ({ upstream: found.node, walsender }))
      : [],
  );
  return attachments.find(({ walsender }) => walsender.state === 'streaming') ?? attachments[0];
}

/** The walsenders of a server that carry WAL to no node of the cluster: base backups, receivers, strangers. */
export function guestsOf(cluster: Cluster, found: NodeState): readonly Walsender[] {
  if (!isRunning(found)) return [];
  const others = cluster.nodes.filter(({ name }) => name !== found.node);
  return found.server.walsenders.filter(
    (walsender) => !others.some((node) => isOf(cluster, node, walsender)),
  );
}

/** A base backup is a walsender too; only these two carry WAL to a standby. */
function isOf(cluster: Cluster, node: Node, walsender: Walsender): boolean {
  if (walsender.state !== 'streaming' && walsender.state !== 'catchup') return false;
  if (walsender.applicationName === node.name) return true;
  return (
    walsender.slot === node.slot && !cluster.nodes.some((other) => other.name === walsender.applicationName)
  );
}

/** Where a primary would stream from if it became a standby: the node that its files name. */
export function placedUpstream(
  cluster: Cluster,
  state: ClusterState,
  name: string,
  files: ConfigFiles,
): string | undefined {
  return nodeAt(cluster, state, name, endpoints(writtenConninfo(files)));
}

function namedUpstream(cluster: Cluster, state: ClusterState, name: string): string | undefined {
  return nodeAt(cluster, state, name, endpointsOf(stateOf(state, name)));
}

function nodeAt(
  cluster: Cluster,
  state: ClusterState,
  name: string,
  named: readonly Endpoint[],
): string | undefined {
  const node = cluster.nodes.find((each) => each.name === name);
  if (node === undefined) return undefined;
  for (const endpoint of named) {
    const there = cluster.nodes.find(
      (other) => other !== node && answersAt(other, stateOf(state, other.name), node, endpoint),
    );
    if (there !== undefined) return there.name;
  }
  return undefined;
}

/** Where a standby connects to: what its receiver says, else its settings. */
export function endpointsOf(found: NodeState | undefined): Endpoint[] {
  if (found?.is === 'stopped' && found.standby) return endpoints(writtenConninfo(found.place.files));
  if (found?.is !== 'standby') return [];
  const { sender, senderPort } = found.streaming ?? {};
  if (sender !== undefined && senderPort !== undefined) return [{ host: sender, port: senderPort }];
  return endpoints(found.conninfo);
}

/** The host and port of a conninfo or a URI; there may be several of each. */
export function endpoints(conninfo: string): Endpoint[] {
  const { host, hostaddr, port } = parseConninfo(conninfo) ?? {};
  const ports = (port ?? '').split(',');
  const hosts = (host || hostaddr || '').split(',').filter((each) => each !== '');
  return hosts.map((each, index) => ({ host: each, port: Number(ports[index] ?? ports[0]) || 5432 }));
}

/** The file that wins comes first. */
function writtenConninfo({ auto, own, conf, recovery }: ConfigFiles): string {
  for (const file of [auto, own, conf, recovery]) {
    const lines = parseConf(file?.text ?? '').settings;
    const value = lines.findLast(({ name }) => name === 'primary_conninfo')?.value;
    if (value !== undefined) return value;
  }
  return '';
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Whether `asker`, connecting to the endpoint, reaches the node. */
function answersAt(node: Node, found: NodeState | undefined, asker: Node, { host, port }: Endpoint): boolean {
  const known = [node.port, isRunning(found) ? found.server.port : undefined].filter(
    (each) => each !== undefined,
  );
  if (!(known.length === 0 ? [5432] : known).includes(port)) return false;
  if (host === node.address || (isRunning(found) && host === found.machine.hostname)) return true;
  const near = host.startsWith('/') || LOOPBACK.includes(host);
  return near && JSON.stringify(node.host) === JSON.stringify(asker.host);
}
