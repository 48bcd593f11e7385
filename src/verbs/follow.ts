import type { Action } from './action.ts';
import { addressesOf, addressOf } from '../cluster/addresses.ts';
import { refusedByLibpq } from '../ask/libpq.ts';
import { hasStalePassword } from '../ask/passfile.ts';
import { askCaughtUp, askPast, askWal } from '../ask/past.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { failure, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import { castOf } from '../plan/follow/cast.ts';
import { isThere, planFollow } from '../plan/follow/follow.ts';
import type { FollowAsked, FollowRequest } from '../plan/follow/request.ts';
import { nodeRows } from '../report/rows.ts';
import { isLetIn } from '../plan/letIn.ts';
import type { Ask } from '../run/asking.ts';
import { findTarget } from '../cluster/target.ts';
import { whyNoLogin } from '../ask/whyNoLogin.ts';
import { havePort, modeOf, perform, targetFlags, text } from './modes.ts';

export const follow: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  if (cluster.file === undefined)
    return (await import('./outside.ts')).outside('follow', cluster, node, flags);
  const [upstream, secret] = await together(
    upstreamOf(cluster, text(flags, 'upstream')),
    passwordOf(cluster),
  );
  const base: FollowRequest = {
    node,
    upstream,
    host: addressOf(upstream),
    role: cluster.replication.role,
    allow: await addressesOf({ ...cluster, nodes: [node] }, upstream, []),
    seconds: modeOf(flags).timeout ?? 60,
  };
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const password = await secret();
    const request: FollowRequest = { ...base, ...(password === undefined ? {} : { password }) };
    const [asked, stale] = await Promise.all([
      askAll(cluster, state, request, ask),
      askStale(cluster, state, request, ask),
    ]);
    const planned = planFollow(cluster, state, {
      ...request,
      ...(asked === undefined ? {} : { asked }),
      ...(stale === undefined ? {} : { stalePassword: stale }),
    });
    return refusedByLibpq(planned, state, ask, node.name);
  };
  const rows = (state: ClusterState) => nodeRows(cluster, state).filter((row) => row.name === node.name);
  return perform({ command: 'follow', cluster, nodes: [node], plan, rows }, flags, secret);
};

async function upstreamOf(cluster: Cluster, said: string | undefined): Promise<Node> {
  const upstream = cluster.nodes.find(({ name }) => name === said);
  if (upstream !== undefined) return upstream;
  throw failure(
    'usage',
    said === undefined
      ? 'which upstream is meant: --upstream is missing'
      : `--upstream ${said}: is no node of ${cluster.file}`,
    `Its nodes are ${cluster.nodes.map(({ name }) => name).join(', ')}.`,
  );
}

/** Everything that is asked before it is decided, at the same time. */
async function askAll(
  cluster: Cluster,
  state: ClusterState,
  request: FollowRequest,
  ask: Ask,
): Promise<FollowAsked | undefined> {
  const cast = castOf(cluster, state, request);
  if ('refusals' in cast || isThere(cast.found, cast.upstream, cast.link)) return undefined;
  const { found, upstream, link } = cast;
  const [noLogin, wal, past, caughtUp] = await Promise.all([
    whyNoLogin(upstream.node, request.node, found, link, state, ask),
    askWal(upstream, ask),
    askPast(found, ask),
    askCaughtUp(found, ask),
  ]);
  // What its pg_hba.conf does not know is let in by the plan.
  const willBe = noLogin?.unreachable === false && isLetIn(upstream, request.role, request.allow ?? []);
  const login = noLogin === undefined || willBe ? { problems: [], unreachable: false } : noLogin;
  return { login, wal, history: past.history, caughtUp };
}

/** A standby that is there, and whose password file is out of date: whether the new password would do. */
async function askStale(
  cluster: Cluster,
  state: ClusterState,
  request: FollowRequest,
  ask: Ask,
): Promise<FollowRequest['stalePassword']> {
  const cast = castOf(cluster, state, request);
  if ('refusals' in cast || !isThere(cast.found, cast.upstream, cast.link)) return undefined;
  const { found, upstream, link } = cast;
  if (!(await hasStalePassword(found, link, ask))) return undefined;
  const noLogin = await whyNoLogin(upstream.node, request.node, found, link, state, ask);
  return { problems: noLogin?.problems ?? [] };
}
