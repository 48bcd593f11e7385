import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streams } from './support/pair.ts';
import { sql, stopServer, writeAsOwner } from './support/server.ts';
import { keepsEverything, trioWithWriter } from './support/swapping.ts';

const cluster = trioWithWriter();
/** As a standby that was copied before there were others. */
function forgets(name: string): void {
  const text = 'local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n';
  writeAsOwner(join(cluster.data(name), 'pg_hba.conf'), text);
  sql(cluster.data(name), 'SELECT pg_reload_conf();');
  const rules = "SELECT count(*) FROM pg_hba_file_rules WHERE 'replication' = ANY (database);";
  expect(sql(cluster.data(name), rules)).toBe('0');
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

test('what an earlier run wrote, and was killed before the server read it, is read', async () => {
  forgets('pg3');
  // The rule is in the file alone.
  const file = join(cluster.data('pg3'), 'pg_hba.conf');
  writeAsOwner(file, `${readFileSync(file, 'utf8')}host replication all 127.0.0.1/32 scram-sha-256\n`);
  expect(await cluster.run('switchover', 'pg3')).toMatchObject({ code: 0 });
  await follow('pg3', 'pg1', 'pg2');
  expect(await cluster.run('switchover', 'pg2')).toMatchObject({ code: 0 });
});

test('follow: so does a standby that is to be the upstream', async () => {
  forgets('pg3');
  expect(await cluster.run('follow', 'pg1', '--upstream', 'pg3')).toMatchObject({ code: 0 });
  const sent =
    "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg1' AND state = 'streaming';";
  expect(sql(cluster.data('pg3'), sent)).toBe('1');
  expect(await cluster.run('follow', 'pg1', '--upstream', 'pg2')).toMatchObject({ code: 0 });
});

test('promote: so does the new primary', async () => {
  forgets('pg3');
  stopServer(cluster.data('pg2'));
  expect(await cluster.run('promote', 'pg3', '--timeout', '60')).toMatchObject({ code: 0 });
  await follow('pg3', 'pg1');
  await cluster.writer.acknowledges(3);
  await keepsEverything(cluster, ['pg3', 'pg1']);
  const again = await cluster.run('promote', 'pg3', '--json');
  expect(again.json()).toMatchObject({ outcome: 'unchanged', steps: [] });
});
