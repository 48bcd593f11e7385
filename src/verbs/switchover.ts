import type { Action } from './action.ts';
import { addressesOf, addressOf } from '../cluster/addresses.ts';
import { refusedByLibpq } from '../ask/libpq.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { failure, type Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { primariesOf } from '../facts/view.ts';
import { outageMeter, type Ends } from '../observe/outage.ts';
import { passwordOf } from '../cluster/password.ts';
import { isLetIn } from '../plan/letIn.ts';
import { linkTo } from '../plan/move.ts';
import { isUp, socketOf } from '../plan/steps.ts';
import { planSwitchover } from '../plan/switchover/switchover.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import { onNodes } from '../run/nodes.ts';
import { stream } from '../run/spawn.ts';
import { findTarget } from '../cluster/target.ts';
import type { Secret } from '../tools/words.ts';
import { whyNoLogin } from '../ask/whyNoLogin.ts';
import { havePort, modeOf, number, perform, targetFlags } from './modes.ts';

/** One segment: what a standby that streams is behind now and then without being late. */
const MAX_LAG = 16 * 1024 * 1024;

export const switchover: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  const secret = await passwordOf(cluster);
  // What the file would have to say is seen by a look at the server.
  if (cluster.nodes.length < 2)
    return async () => {
      throw await needsFile(cluster, node);
    };
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const password = await secret();
    const planned = planSwitchover(cluster, state, {
      node,
      maxLag: number(flags, 'maxLag') ?? MAX_LAG,
      role: cluster.replication.role,
      allow: await addressesOf(cluster, node, []),
      addressOf,
      logins: await loginsAt(cluster, state, node, password, ask),
      seconds: modeOf(flags).timeout ?? 120,
      ...(password === undefined ? {} : { password }),
    });
    return refusedByLibpq(planned, state, ask);
  };
  const meter = outageMeter((state) => endsOf(cluster, state, node));
  return perform(
    {
      command: 'switchover',
      cluster,
      nodes: cluster.nodes,
      plan,
      rows: (state) => nodeRows(cluster, state),
      beside: meter.beside,
      extra: () => meter.result(),
    },
    flags,
    secret,
  );
};

/** Nothing here reaches the host of the primary, which has to be stopped: a file says how. */
async function needsFile(cluster: Cluster, node: Node): Promise<Error> {
  const [{ observe }, { pairFile }] = await Promise.all([
    import('../observe/observe.ts'),
    import('./pairFile.ts'),
  ]);
  const file = pairFile(cluster, node, await observe(cluster, { brief: true }));
  return failure(
    'usage',
    'a switchover needs a cluster file: it works on both servers, and stops the primary on its host',
    file === undefined
      ? 'Name it with --config FILE; docs/configuration.md tells what it holds.'
      : `Write this into pgrepl.yaml, correct how the primary is reached, and run \`pgrepl switchover ${node.name}\`:\n${file}`,
  );
}

/** Whether each server that will follow the candidate can log in there, tried from its own host, all at once. */
async function loginsAt(
  cluster: Cluster,
  state: ClusterState,
  node: Node,
  password: Secret | undefined,
  ask: Ask,
): Promise<readonly Problem[]> {
  const candidate = state.nodes.find((each) => each.node === node.name);
  if (candidate?.is !== 'standby' || primariesOf(state).length !== 1) return [];
  const followers = cluster.nodes.filter(({ name }) => name !== node.name);
  const asked = await Promise.all(
    followers.map(async (own) => {
      const follower = state.nodes.find((each) => each.node === own.name);
      if (!isUp(follower)) return [];
      // The plan lets it in.
      const here = await addressesOf({ ...cluster, nodes: [own] }, node, []);
      if (isLetIn(candidate, cluster.replication.role, here)) return [];
      const move = { node: own, host: addressOf(node), role: cluster.replication.role, seconds: 0 };
      const link = linkTo(candidate, password === undefined ? move : { ...move, password });
      return (await whyNoLogin(node.name, own, follower, link, state, ask))?.problems ?? [];
    }),
  );
  return asked.flat();
}

function endsOf(cluster: Cluster, state: ClusterState, node: Node): Ends {
  const onNode = onNodes(cluster, state);
  const candidate = state.nodes.find((each) => each.node === node.name);
  const old = primariesOf(state)[0];
  const start: Ends['start'] = (name, argv, stdin, onLine) =>
    stream(onNode({ node: name }, argv), stdin, onLine);
  if (!isUp(candidate) || old === undefined || old.node === node.name) return { candidate: node.name, start };
  return {
    candidate: node.name,
    start,
    old: { node: old.node, socket: socketOf(old) },
    fresh: { node: node.name, socket: socketOf(candidate) },
  };
}
