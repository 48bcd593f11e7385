import type { Action, Deed, Flags } from './action.ts';
import { addressOf } from '../cluster/addresses.ts';
import { refusedByLibpq } from '../ask/libpq.ts';
import { askLogins } from '../ask/logins.ts';
import { askCaughtUp, askPast, askWal } from '../ask/past.ts';
import { askSource } from '../ask/source.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { failure, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import { castOf } from '../plan/rejoin/cast.ts';
import { isHome } from '../plan/rejoin/home.ts';
import { planRejoin } from '../plan/rejoin/rejoin.ts';
import type { RejoinAsked, RejoinRequest } from '../plan/rejoin/request.ts';
import { isUp } from '../plan/steps.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, perform, targetFlags, text } from './modes.ts';

export const rejoin: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  const { file } = cluster;
  if (file === undefined) return alone(cluster, node, flags);
  const [secret] = await together(passwordOf(cluster), noUpstream(file, flags));
  const base: RejoinRequest = {
    node,
    allowReclone: flags['allowReclone'] === true,
    role: cluster.replication.role,
    addressOf,
    stamp: new Date().toISOString().replace(/[-:]|\.\d+Z/g, ''),
    seconds: modeOf(flags).timeout ?? 300,
  };
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const password = await secret();
    const request: RejoinRequest = { ...base, ...(password === undefined ? {} : { password }) };
    const asked = await askAll(cluster, state, request, ask);
    const planned = planRejoin(cluster, state, { ...request, ...(asked === undefined ? {} : { asked }) });
    return refusedByLibpq(planned, state, ask, node.name);
  };
  const rows = (state: ClusterState) => nodeRows(cluster, state).filter((row) => row.name === node.name);
  return perform(
    { command: 'rejoin', cluster, nodes: [node], sizes: base.allowReclone, brief: true, plan, rows },
    flags,
    secret,
  );
};

/** The one server that flags name, on its host. */
async function alone(cluster: Cluster, node: Node, flags: Flags): Promise<Deed> {
  const { outside } = await import('./outside.ts');
  const [deed] = await together(outside('rejoin', cluster, node, flags), noReclone(flags));
  return deed;
}

async function noReclone(flags: Flags): Promise<void> {
  if (flags['allowReclone'] === true)
    throw failure(
      'usage',
      '--allow-reclone has no effect without a cluster file',
      `pgrepl clone-standby -D DIR --from ${text(flags, 'upstream') ?? 'HOST[:PORT]'} --replace copies the server anew.`,
    );
}

async function noUpstream(file: string, flags: Flags): Promise<void> {
  if (flags['upstream'] !== undefined)
    throw failure('usage', `--upstream has no effect: the primary is looked for among the nodes of ${file}`);
}

/** Everything that is asked before it is decided, at the same time. */
async function askAll(
  cluster: Cluster,
  state: ClusterState,
  request: RejoinRequest,
  ask: Ask,
): Promise<RejoinAsked | undefined> {
  const cast = castOf(cluster, state, request);
  if ('refusals' in cast) return undefined;
  const { found, primary, link } = cast;
  if (isHome(cluster, state, found, primary)) return undefined;
  const [logins, source, wal, past, caughtUp] = await Promise.all([
    askLogins(primary.node, request.node, found, link, state, ask),
    // Only a copy needs to know more of it than its host told.
    request.allowReclone
      ? askSource(primary.node, request.node, found, link, state, ask)
      : ('not asked' as const),
    askWal(primary, ask),
    askPast(found, ask),
    isUp(found) ? askCaughtUp(found, ask) : false,
  ]);
  const { noReplication, rewinder } = logins;
  return {
    source: noReplication ?? source,
    wal,
    past,
    caughtUp,
    ...(rewinder === undefined ? {} : { rewinder }),
  };
}
