import type { Cluster } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import { positionOf } from '../facts/view.ts';
import { distance } from '../facts/lsn.ts';
import { isUp, socketOf } from '../plan/steps.ts';
import { pauseFor } from '../run/pause.ts';
import { onNodes } from '../run/nodes.ts';
import { spawn } from '../run/spawn.ts';
import { psql } from '../tools/psql.ts';

/** Bytes of WAL a second that each node writes or receives: what a slot that nobody moves grows by. */
export type Rates = ReadonlyMap<string, number>;

/** pg_stat_wal is there from 14 on; of a standby it tells nothing of use. */
const WAL_STATISTICS = 140000;

/** What was written since the statistics began: for how long that is, nobody says, so it is an average. */
export async function averageRates(
  cluster: Cluster,
  state: ClusterState,
): Promise<{ state: ClusterState; rates: Rates }> {
  const words = onNodes(cluster, state);
  const asked = state.nodes
    .filter(isUp)
    .filter(({ server, is }) => is === 'primary' && server.version >= WAL_STATISTICS);
  const sql =
    'SELECT round(wal_bytes / greatest(1, extract(epoch FROM now() - stats_reset))) FROM pg_stat_wal;';
  const rates = await Promise.all(
    asked.map(async (found) => {
      const said = await spawn(words({ node: found.node }, psql(socketOf(found))), {
        stdin: sql,
        seconds: 10,
      });
      return [found.node, said.code === 0 ? Number(said.stdout.trim()) : Number.NaN] as const;
    }),
  );
  return { state, rates: new Map(rates.filter(([, rate]) => Number.isFinite(rate))) };
}

/** Two looks, a second from each other. */
export async function measuredRates(
  before: ClusterState,
  look: () => Promise<ClusterState>,
): Promise<{ state: ClusterState; rates: Rates }> {
  const began = performance.now();
  await pauseFor(1000);
  const state = await look();
  const seconds = (performance.now() - began) / 1000;
  const rates = state.nodes.flatMap((found) => {
    const earlier = before.nodes.find(({ node }) => node === found.node);
    if (earlier === undefined || !isUp(earlier) || !isUp(found)) return [];
    const [from, to] = [positionOf(earlier), positionOf(found)];
    if (from === undefined || to === undefined) return [];
    return [[found.node, Math.max(0, Math.round(distance(to, from) / seconds))] as const];
  });
  return { state, rates: new Map(rates) };
}
