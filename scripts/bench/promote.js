import { performance } from 'node:perf_hooks';
import { startWriter } from './client.js';
import {
  clusterFile,
  copyTree,
  newPlace,
  owned,
  PROGRAM,
  raise,
  removePlace,
  run,
  server,
  start,
  stop,
  streams,
} from './lab.js';

/** From the start of the command to the first write of a client that tries all the time. */
export async function measurePromote({ runs, add, steps }) {
  const cluster = await clusterFile(newPlace(), 2);
  const [primary, standby] = cluster.nodes;
  await raise(cluster);
  await stop(primary);
  await stop(standby);
  for (const node of cluster.nodes) await copyTree(node.pgdata, `${node.pgdata}.saved`);
  const once = async (words) => {
    for (const node of cluster.nodes) await copyTree(`${node.pgdata}.saved`, node.pgdata);
    await start(primary);
    await start(standby);
    await streams(primary, 'pg2');
    await stop(primary, 'SIGQUIT');
    const writer = await startWriter([standby], true);
    const began = performance.timeOrigin + performance.now();
    const ended = await run(words);
    const { time } = await writer.ended;
    await stop(standby, 'SIGQUIT');
    return { first: time - began, ended };
  };
  for (let at = 0; at < runs; at += 1) {
    const bare = await once(owned([server('pg_ctl'), '-D', standby.pgdata, 'promote']));
    const ours = await once([process.execPath, PROGRAM, 'promote', 'pg2', '-c', cluster.file, '--json']);
    steps('promote', JSON.parse(ours.ended.stdout).steps);
    add('promote: first write', 'pg_ctl promote', { bare: bare.first, ours: ours.first, limit: '+300 ms' });
    add('promote: whole command', 'pg_ctl promote', { bare: bare.ended.ms, ours: ours.ended.ms });
  }
  removePlace(cluster.dir);
}
