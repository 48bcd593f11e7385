import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { streams } from './support/pair.ts';
import { sql, stopServer, writeAsOwner } from './support/server.ts';
import { trio } from './support/trio.ts';

const cluster = trio();
beforeAll(cluster.make);

/** As a standby that was copied before there were others. */
function forgets(name: string): void {
  const text = 'local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n';
  writeAsOwner(join(cluster.data(name), 'pg_hba.conf'), text);
  sql(cluster.data(name), 'SELECT pg_reload_conf();');
}

async function follow(primary: string, ...standbys: readonly string[]): Promise<void> {
  for (const name of standbys) await streams(cluster.data(primary), cluster.data(name), name);
}

test('switchover: the candidate lets in who will follow it', async () => {
  forgets('pg2');
  expect(await cluster.run('switchover', 'pg2')).toMatchObject({ code: 0 });
  await follow('pg2', 'pg1', 'pg3');
  const again = await cluster.run('switchover', 'pg2', '--json');
  expect(again.json()).toMatchObject({ outcome: 'unchanged', steps: [] });
});

test('promote: so does the new primary', async () => {
  forgets('pg3');
  stopServer(cluster.data('pg2'));
  expect(await cluster.run('promote', 'pg3', '--timeout', '60')).toMatchObject({ code: 0 });
  await follow('pg3', 'pg1');
  const again = await cluster.run('promote', 'pg3', '--json');
  expect(again.json()).toMatchObject({ outcome: 'unchanged', steps: [] });
});
