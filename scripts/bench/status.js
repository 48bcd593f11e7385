import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { clusterFile, newPlace, pgrepl, PROGRAM, raise, removePlace, run, textOf } from './lab.js';

/** Sixteen servers that run on this machine, and one that accepts and never says anything. */
export async function measureStatus({ runs, add }) {
  const cluster = await clusterFile(newPlace(), 16);
  await raise({ ...cluster, nodes: cluster.nodes.slice(0, 1) });
  for (let at = 1; at < 16; at += 3)
    await Promise.all(
      cluster.nodes.slice(at, at + 3).map(({ name }) => pgrepl(['clone-standby', name, '-c', cluster.file])),
    );
  const two = join(cluster.dir, 'two.yaml');
  writeFileSync(two, textOf(cluster.dir, cluster.nodes.slice(0, 2)));
  const silent = createServer(() => undefined);
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const mute = join(cluster.dir, 'mute.yaml');
  const more = `  mute: { address: 127.0.0.1, port: 1, on: "ssh://127.0.0.1:${silent.address().port}", pgdata: /nowhere, upstream: pg1 }\n`;
  writeFileSync(mute, textOf(cluster.dir, cluster.nodes, more));
  const look = async (file) =>
    (await run([process.execPath, PROGRAM, 'status', '-c', file], { allowed: [0, 9] })).ms;
  for (let at = 0; at < runs; at += 1) {
    const of = { two: await look(two), sixteen: await look(cluster.file) };
    add('status, 16 nodes', 'status, 2 nodes', { bare: of.two, ours: of.sixteen, limit: 2.5 });
    if (at < 2)
      add('status, 16 and a mute one', 'status, 16 nodes', {
        bare: of.sixteen,
        ours: await look(mute),
        limit: '+10 s',
      });
  }
  silent.close();
  removePlace(cluster.dir);
}
