import type { Action, Flags } from './action.ts';
import { addressesOf, addressOf } from '../cluster/addresses.ts';
import { askOutside } from '../ask/outside.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { PgreplError, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { outageMeter } from '../observe/outage.ts';
import { passwordOf } from '../cluster/password.ts';
import { planPromote } from '../plan/promote/promote.ts';
import type { OutsideUpstream } from '../plan/promote/promoteGates.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import { findTarget } from '../cluster/target.ts';
import { havePort, modeOf, number, perform, targetFlags } from './modes.ts';

export const promote: Action = async ([name], flags) => {
  const target = findTarget(name, targetFlags(flags), 'node');
  const [{ cluster, node }, secret] = await together(
    target,
    target.then((found) => {
      if (found.cluster.file === undefined) aboutOthers(flags);
      return passwordOf(found.cluster);
    }),
  );
  const primaryIsDead = flags['primaryIsDead'] === true;
  const meter = outageMeter(() => ({ candidate: node.name, start: () => ({ end: async () => undefined }) }));
  const plan = async (state: ClusterState, ask: Ask) => {
    await havePort(flags, node, state);
    const password = await secret();
    const outside = primaryIsDead ? undefined : await outsideOf(cluster, state, node, ask);
    return planPromote(cluster, state, {
      node,
      primaryIsDead,
      acceptLoss: number(flags, 'acceptLoss') ?? 0,
      allowDelayed: flags['allowDelayed'] === true,
      role: cluster.replication.role,
      allow: await addressesOf(cluster, node, []),
      addressOf,
      seconds: modeOf(flags).timeout ?? 300,
      ...(password === undefined ? {} : { password }),
      ...(outside === undefined ? {} : { outside }),
    });
  };
  return perform(
    {
      command: 'promote',
      cluster,
      nodes: [node],
      plan,
      rows: (state) => nodeRows(cluster, state),
      beside: meter.beside,
      extra: () => meter.result(),
    },
    flags,
    secret,
  );
};

async function outsideOf(
  cluster: Cluster,
  state: ClusterState,
  node: Node,
  ask: Ask,
): Promise<OutsideUpstream | undefined> {
  const found = state.nodes.find((each) => each.node === node.name);
  if (found?.is !== 'standby' || upstreamOf(cluster, state, node.name) !== undefined) return undefined;
  return askOutside(node, found, ask);
}

/** Throws `usage` for what is about the other servers of a cluster, where a single one is named. */
function aboutOthers(flags: Flags): void {
  const given = (['acceptLoss', 'replicationRole', 'passwordFile'] as const).filter(
    (flag) => flags[flag] !== undefined,
  );
  if (given.length === 0) return;
  throw new PgreplError(
    'usage',
    given.map((flag) => ({
      message: `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} has no effect: it is about the other standbys, and without a cluster file none is known`,
      hint: 'Leave it out, or name the cluster file with --config.',
    })),
  );
}
