import type { Action } from './action.ts';
import { addressOf } from '../cluster/addresses.ts';
import { askCaughtUp, askPast, askRewinder, askWal } from '../ask/past.ts';
import { askSource } from '../ask/source.ts';
import type { Cluster } from '../cluster/types.ts';
import { failure } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import { castOf } from '../plan/rejoin/cast.ts';
import { isHome } from '../plan/rejoin/home.ts';
import { planRejoin } from '../plan/rejoin/rejoin.ts';
import type { RejoinAsked, RejoinRequest } from '../plan/rejoin/request.ts';
import { isUp } from '../plan/steps.ts';
import { nodeRows } from '../report/rows.ts';
import { onNodes } from '../run/nodes.ts';
import { spawn } from '../run/spawn.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, perform, targetFlags, text } from './modes.ts';

export const rejoin: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  if (node === undefined) return;
  const upstream = text(flags, 'upstream');
  if (cluster.file === undefined) {
    if (flags['allowReclone'] === true)
      throw failure(
        'usage',
        '--allow-reclone has no effect without a cluster file',
        `pgrepl clone-standby -D DIR --from ${upstream ?? 'HOST[:PORT]'} --replace copies the server anew.`,
      );
    return (await import('./outside.ts')).outside('rejoin', cluster, node, flags);
  }
  if (upstream !== undefined)
    throw failure(
      'usage',
      `--upstream has no effect: the primary is looked for among the nodes of ${cluster.file}`,
    );
  const password = await passwordOf(cluster);
  const request: RejoinRequest = {
    node,
    allowReclone: flags['allowReclone'] === true,
    role: cluster.replication.role,
    addressOf,
    stamp: new Date().toISOString().replace(/[-:]|\.\d+Z/g, ''),
    seconds: modeOf(flags).timeout ?? 300,
    ...(password === undefined ? {} : { password }),
  };
  const plan = async (state: ClusterState) => {
    await havePort(flags, node, state);
    const asked = await ask(cluster, state, request);
    return planRejoin(cluster, state, { ...request, ...(asked === undefined ? {} : { asked }) });
  };
  const rows = (state: ClusterState) => nodeRows(cluster, state).filter((row) => row.name === node.name);
  await perform({ command: 'rejoin', cluster, nodes: [node], sizes: true, plan, rows }, flags);
};

/** Everything that is asked before it is decided, at the same time. */
async function ask(
  cluster: Cluster,
  state: ClusterState,
  request: RejoinRequest,
): Promise<RejoinAsked | undefined> {
  const cast = castOf(cluster, state, request);
  if ('refusals' in cast) return undefined;
  const { found, primary, link } = cast;
  if (isHome(cluster, state, found, primary)) return undefined;
  const asking = { spawn, onNode: onNodes(cluster, state) };
  const [source, rewinder, wal, past, caughtUp] = await Promise.all([
    askSource(primary.node, request.node, found, link, state, asking),
    askRewinder(request.node, found, link, asking),
    askWal(primary, asking),
    askPast(found, asking),
    isUp(found) ? askCaughtUp(found, asking) : false,
  ]);
  return { source, wal, past, caughtUp, ...(rewinder === undefined ? {} : { rewinder }) };
}
