import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { OWNER, waitFor } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { isRunning, sql, writeAsOwner } from './support/server.ts';
import { trio } from './support/trio.ts';

/** An address of its own, so that it has rules of its own. */
const cluster = trio({ pg3: { address: '127.0.0.3' } });
beforeAll(() => cluster.make());

type Check = {
  node: string;
  check: string;
  ok: boolean;
  level: string;
  message: string;
  hint?: string;
  verbs: string[];
};

async function wrong(
  ...words: readonly string[]
): Promise<{ code: number; checks: readonly Check[]; messages: readonly string[] }> {
  const { code, json } = await cluster.run('doctor', ...words, '--json');
  const checks = json()['checks'] as readonly Check[];
  return { code, checks, messages: checks.filter(({ ok }) => !ok).map(({ message }) => message) };
}

test('a cluster that pgrepl made has nothing wrong', async () => {
  const { code, checks, messages } = await wrong();
  expect({ code, messages }).toEqual({ code: 0, messages: [] });
  const fine = checks.filter(({ level }) => level === 'ok').map(({ message }) => message);
  expect(fine).toEqual(
    expect.arrayContaining([
      'pg1: the role replicator may log in with the password of the cluster file, and replicate',
      'pg1: lets pg2 (127.0.0.1) in for replication, by line 2',
      'pg2: logs in to pg1 as replicator for replication',
      'pg1: logs in to pg2 as replicator for replication',
      `pg2: its password file ${cluster.data('pg2')}/pgrepl.pgpass is for ${OWNER} alone`,
      'pg3: its slot pg3 is at pg1',
    ]),
  );
  const shown = await cluster.run('doctor', 'pg2');
  expect(shown.stdout).toContain('nothing stands in the way');
});

const slots = (): string =>
  sql(cluster.data('pg1'), 'SELECT slot_name FROM pg_replication_slots ORDER BY 1;');

test("a slot is created once, listed as nobody's, and dropped once", async () => {
  expect((await cluster.run('slot', 'list')).code).toBe(0);
  expect(await cluster.run('slot', 'create', 'pg1', 'extra', '--check')).toMatchObject({ code: 10 });
  expect((await cluster.run('slot', 'create', 'pg1', 'extra', '--json')).json()).toMatchObject({
    outcome: 'done',
    changed: true,
  });
  expect((await cluster.run('slot', 'create', 'pg1', 'extra', '--json')).json()).toMatchObject({
    outcome: 'unchanged',
  });
  const listed = await cluster.run('slot', 'list', 'pg1', '--growth');
  expect(listed.code).toBe(9);
  expect(listed.stdout).toMatch(/^pg1 +pg2 +pg2 +active /m);
  expect(listed.stdout).toContain('slot extra belongs to no node of the cluster');
  const byFlags = await pgrepl(['slot', 'drop', '-D', cluster.data('pg1'), 'extra']);
  expect(byFlags.code).toBe(0);
  expect((await cluster.run('slot', 'drop', 'pg1', 'extra', '--json')).json()).toMatchObject({
    outcome: 'unchanged',
  });
  expect(slots()).toBe('pg2\npg3');
});

test('slot list by flags says who is connected, and why a node has no server', async () => {
  const listed = await pgrepl(['slot', 'list', '-D', cluster.data('pg1')]);
  expect(listed.code).toBe(0);
  expect(listed.stdout).toMatch(/ pg2 +pg2 \(127\.0\.0\.1\) +active/);
  const none = await pgrepl(['slot', 'list', '-D', `${cluster.data('pg1')}.none`]);
  expect(none.code).toBe(9);
  expect(none.stdout).toMatch(/has no data yet: .*; its slots are not known/);
});

test('a slot in use is not dropped, and one of a node only when asked', async () => {
  const used = await cluster.run('slot', 'drop', 'pg1', 'pg2', '--yes');
  expect(used).toMatchObject({ code: 3 });
  expect(used.stderr).toContain('pg1: the slot pg2 is in use by pg2');
  sql(cluster.data('pg2'), `SELECT pg_create_physical_replication_slot('pg3');`);
  expect((await cluster.run('slot', 'drop', 'pg2', 'pg3')).code).toBe(3);
  expect((await cluster.run('slot', 'drop', 'pg2', 'pg3', '--yes')).code).toBe(0);
  expect((await cluster.run('slot', 'create', 'pg1', 'No-Name')).code).toBe(2);
});

test('what stands in the way, by what decides it, and exit status 9', async () => {
  const hba = join(cluster.data('pg1'), 'pg_hba.conf');
  writeAsOwner(hba, `host replication all 127.0.0.1/32 reject\n${readFileSync(hba, 'utf8')}`);
  sql(cluster.data('pg1'), 'SELECT pg_reload_conf();');
  sql(cluster.data('pg3'), 'ALTER SYSTEM SET max_connections = 50;');
  chmodSync(join(cluster.data('pg3'), 'pgrepl.pgpass'), 0o644);
  await waitFor(
    () =>
      sql(
        cluster.data('pg3'),
        `SELECT count(*) FROM pg_file_settings WHERE name = 'max_connections' AND sourcefile LIKE '%auto.conf';`,
      ) === '1',
    { what: 'the setting' },
  );
  const { code, checks, messages } = await wrong();
  expect(code).toBe(9);
  expect(messages).toEqual(
    expect.arrayContaining([
      `pg1: ${hba} line 1 turns pg2 (127.0.0.1) away`,
      expect.stringMatching(
        /^pg2: cannot log in to pg1 as replicator for replication: .*pg_hba.conf rejects/,
      ) as string,
      `pg3: its password file ${cluster.data('pg3')}/pgrepl.pgpass may be read by others (mode 644), and libpq ignores it`,
    ]),
  );
  const said = checks.find(({ message }) => message.includes('turns pg2'));
  expect(said).toMatchObject({
    node: 'pg1',
    check: 'pg_hba.conf',
    hint: expect.stringContaining('host  replication  replicator  127.0.0.1/32  scram-sha-256') as string,
  });
  const shown = await cluster.run('doctor');
  expect(shown.code).toBe(9);
  expect(shown.stdout).toMatch(/\d+ wrong, \d+ worth a look\n$/);
});

test('remove-standby stops it, and takes its slots and rules from the others; its data stay', async () => {
  const hba = join(cluster.data('pg1'), 'pg_hba.conf');
  const before = readFileSync(hba, 'utf8');
  expect(before).toContain('127.0.0.3/32');
  const unasked = await cluster.run('remove-standby', 'pg3');
  expect(unasked).toMatchObject({ code: 3 });
  expect(isRunning(cluster.data('pg3'))).toBe(true);
  const primary = await cluster.run('remove-standby', 'pg1', '--yes');
  // As where it once streamed from the other standby.
  sql(cluster.data('pg2'), `SELECT pg_create_physical_replication_slot('pg3', true);`);
  const hba2 = join(cluster.data('pg2'), 'pg_hba.conf');
  expect(readFileSync(hba2, 'utf8')).toContain('127.0.0.3/32');
  expect(primary.stderr).toContain('pg1: is the primary');

  const removed = await cluster.run('remove-standby', 'pg3', '--yes');
  expect(removed.code).toBe(0);
  expect(removed.stderr).toContain(`pg3: its data stay in ${cluster.data('pg3')}`);
  expect(isRunning(cluster.data('pg3'))).toBe(false);
  expect(existsSync(join(cluster.data('pg3'), 'PG_VERSION'))).toBe(true);
  expect(slots()).toBe('pg2');
  expect(sql(cluster.data('pg2'), 'SELECT count(*) FROM pg_replication_slots;')).toBe('0');
  expect(readFileSync(hba2, 'utf8')).not.toContain('127.0.0.3');
  const after = readFileSync(hba, 'utf8');
  expect(after).not.toContain('127.0.0.3');
  expect(after).toContain('127.0.0.1/32');
  expect((await cluster.run('remove-standby', 'pg3', '--json')).json()).toMatchObject({
    outcome: 'unchanged',
    steps: [],
  });
});
