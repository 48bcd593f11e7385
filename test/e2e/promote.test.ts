import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterFile } from './support/clusterFile.ts';
import { freePort, waitFor } from './support/machine.ts';
import { allow, clone, newPrimary, PASSWORD, streams, type Primary, type Target } from './support/pair.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { setting, sql, startServer, stopServer } from './support/server.ts';
import { Writer, prepareWriter } from './support/writer.ts';

type Cluster = { file: string; primary: Primary; standbys: Readonly<Record<string, Target>> };

/** A primary pg1 and standbys, each with the upstream it is given. */
async function newCluster(
  dir: string,
  upstreams: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<Cluster> {
  const primary = await newPrimary(
    dir,
    { wal_retrieve_retry_interval: '500ms', ...settings },
    { name: 'pg1' },
  );
  allow(primary.pgdata, 'host all,replication replicator 127.0.0.1/32 scram-sha-256');
  const standbys: Record<string, Target> = {};
  for (const name of Object.keys(upstreams))
    standbys[name] = { name, pgdata: join(dir, name), port: await freePort() };
  const nodes = Object.entries(upstreams).map(([name, upstream]) => {
    const { pgdata = '', port = 0 } = standbys[name] ?? {};
    return [name, { pgdata, port, upstream }] as const;
  });
  const file = clusterFile(
    dir,
    { pg1: { pgdata: primary.pgdata, port: primary.port }, ...Object.fromEntries(nodes) },
    { password: PASSWORD },
  );
  for (const name of Object.keys(upstreams))
    expect(await pgrepl(['clone-standby', name, '-c', file])).toMatchObject({ code: 0 });
  return { file, primary, standbys };
}

function promote(cluster: Cluster, name: string, ...more: string[]): Promise<Result> {
  return pgrepl(['promote', name, '-c', cluster.file, '--json', '--timeout', '30', ...more]);
}

function pgdataOf(cluster: Cluster, name: string): string {
  return cluster.standbys[name]?.pgdata ?? '';
}

async function isUnchanged(cluster: Cluster, name: string): Promise<void> {
  expect((await promote(cluster, name)).json()).toMatchObject({ outcome: 'unchanged', steps: [], status: 0 });
}

describe('a cluster of a file', () => {
  const dir = scratch();
  let cluster: Cluster;
  const at = (name: string): string => pgdataOf(cluster, name);

  beforeAll(async () => {
    cluster = await newCluster(dir, { pg2: 'pg1', pg3: 'pg1', pg4: 'pg2', pg5: 'pg3' });
  });

  test('a primary that takes writes is in the way', async () => {
    const refused = await promote(cluster, 'pg2');
    expect(refused.json()).toMatchObject({ outcome: 'refused', status: 3, changed: false });
    expect(refused.json().error).toMatchObject({
      message: 'pg1: is the primary and takes writes',
      hint: expect.stringContaining('pgrepl switchover pg2') as string,
    });
    const unasked = await promote(cluster, 'pg2', '--primary-is-dead');
    expect(unasked.json()).toMatchObject({ status: 3 });
    expect(unasked.json().error?.message).toContain('two primaries, unless it is fenced');
    expect(sql(at('pg2'), 'SELECT pg_is_in_recovery();')).toBe('t');
  });

  test('without a file the standby asks its own upstream', async () => {
    const { pgdata } = cluster.standbys['pg3'] ?? { pgdata: '' };
    const alive = await pgrepl(['promote', '-D', pgdata, '--name', 'pg3', '--json']);
    expect(alive.json()).toMatchObject({ status: 3 });
    expect(alive.json().error?.message).toMatch(/^127\.0\.0\.1:\d+: is the primary and takes writes$/);
    const below = await pgrepl(['promote', '-D', at('pg4'), '--name', 'pg4', '--json']);
    expect(below.json()).toMatchObject({ status: 3 });
    expect(below.json().error?.message).toContain(
      'is a standby itself, and whether its primary takes writes',
    );
  });

  test('one that is late or paused is no time machine', async () => {
    sql(at('pg2'), `ALTER SYSTEM SET recovery_min_apply_delay = '1h'; SELECT pg_reload_conf();`);
    sql(at('pg2'), 'SELECT pg_wal_replay_pause();');
    await waitFor(() => setting(at('pg2'), 'recovery_min_apply_delay') === '1h', { what: 'the delay' });
    const refused = await promote(cluster, 'pg2');
    expect(refused.json()).toMatchObject({ status: 3 });
    expect(refused.json().refusals.map(({ message }) => message)).toEqual([
      'pg1: is the primary and takes writes',
      'pg2: its replay is paused',
      'pg2: it replays 3600 s late (recovery_min_apply_delay)',
    ]);
    expect(refused.json().refusals[1]?.hint).toContain('--allow-delayed');
  });

  test('one that is behind another is promoted when the loss is accepted', async () => {
    sql(at('pg3'), `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'; SELECT pg_reload_conf();`);
    await waitFor(() => sql(at('pg3'), 'SELECT count(*) FROM pg_stat_wal_receiver;') === '0', {
      what: 'pg3 is cut off',
    });
    const { pgdata } = cluster.primary;
    sql(pgdata, 'CREATE TABLE late AS SELECT generate_series(1, 1000) AS n;');
    const end = sql(pgdata, 'SELECT pg_current_wal_lsn();');
    await waitFor(() => sql(at('pg2'), `SELECT pg_last_wal_receive_lsn() >= '${end}';`) === 't', {
      what: 'pg2 has it',
    });
    stopServer(pgdata, 'immediate');
    const refused = await promote(cluster, 'pg3');
    expect(refused.json()).toMatchObject({ status: 3 });
    expect(refused.json().error?.message).toMatch(/^pg3: pg2 has \d+ bytes of WAL more$/);
    expect(refused.json().error?.hint).toMatch(/pgrepl promote pg2 loses less; --accept-loss \d+/);
  });

  test('promoted, it replays what it held back, and the others follow; a cascade keeps its tree', async () => {
    const ended = await promote(cluster, 'pg2', '--allow-delayed');
    expect(ended.json()).toMatchObject({ outcome: 'done', changed: true, writeOutageMs: null });
    expect(ended.json()['promotionMs']).toBeGreaterThan(0);
    expect(sql(at('pg2'), 'SELECT count(*) FROM late;')).toBe('1000');
    for (const name of ['primary_conninfo', 'primary_slot_name']) expect(setting(at('pg2'), name)).toBe('');
    expect(setting(at('pg2'), 'recovery_min_apply_delay')).toBe('0');
    await streams(at('pg2'), at('pg3'), 'pg3');
    expect(sql(at('pg2'), 'SELECT application_name FROM pg_stat_replication ORDER BY 1;')).toBe('pg3\npg4');
    expect(sql(at('pg3'), 'SELECT application_name FROM pg_stat_replication;')).toBe('pg5');
    await waitFor(() => sql(at('pg5'), 'SELECT count(*) FROM late;') === '1000', { what: 'pg5 has it too' });
    await isUnchanged(cluster, 'pg2');
  });

  test('the old primary back, writing: it is not made the upstream of those that follow the new one', async () => {
    startServer(cluster.primary.pgdata);
    const back = await pgrepl(['promote', 'pg1', '-c', cluster.file, '--json']);
    expect(back.json()).toMatchObject({ status: 3, changed: false });
    expect(back.json().error?.message).toMatch(/pg2.*timeline 2/);
    expect(sql(at('pg2'), 'SELECT count(*) FROM pg_stat_replication;')).toBe('2');
    stopServer(cluster.primary.pgdata);
  });
});

describe('one standby without a file', () => {
  const dir = scratch();
  let primary: Primary;
  let to: Target;

  beforeAll(async () => {
    primary = await newPrimary(dir, { promote_trigger_file: '/tmp/pgrepl-no-such-trigger' });
    to = { name: 'alone', pgdata: join(dir, 'alone'), port: await freePort() };
    expect(await clone(primary, to)).toMatchObject({ code: 0 });
  });

  test('an upstream that takes writes is in the way; one that is silent is not known', async () => {
    const words = ['promote', '-D', to.pgdata, '--name', 'alone', '--json'];
    const alive = await pgrepl(words);
    expect(alive.json()).toMatchObject({ status: 3 });
    expect(alive.json().error?.message).toContain('is the primary and takes writes');
    sql(
      to.pgdata,
      `ALTER SYSTEM SET primary_conninfo = 'host=no-such-host.invalid'; SELECT pg_reload_conf();`,
    );
    const unknown = await pgrepl(words);
    expect(unknown.json()).toMatchObject({ outcome: 'unreachable', status: 4, changed: false });
    expect(unknown.json().error?.hint).toContain('--primary-is-dead');
  });

  test('fenced, nothing is asked of it, and a writer loses nothing that was received', async () => {
    sql(
      to.pgdata,
      `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=replicator passfile=${to.pgdata}/pgrepl.pgpass application_name=alone'; SELECT pg_reload_conf();`,
    );
    sql(
      to.pgdata,
      `ALTER SYSTEM SET promote_trigger_file = '${dir}/go on.trigger'; SELECT pg_reload_conf();`,
    );
    prepareWriter(primary.pgdata);
    await streams(primary.pgdata, to.pgdata, 'alone');
    sql(primary.pgdata, `ALTER SYSTEM SET synchronous_standby_names = 'alone'; SELECT pg_reload_conf();`);
    const writer = await new Writer([primary.port, to.port]).start();
    await writer.acknowledges(50);
    stopServer(primary.pgdata, 'immediate');
    const ended = await pgrepl([
      'promote',
      '-D',
      to.pgdata,
      '--name',
      'alone',
      '--primary-is-dead',
      '--json',
      '--yes',
    ]);
    expect(ended.json()).toMatchObject({ outcome: 'done', status: 0 });
    expect(
      ended
        .json()
        .steps.map(({ why }) => why)
        .join(),
    ).toContain('go on.trigger');
    sql(to.pgdata, `ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf();`);
    await writer.acknowledges(20);
    await writer.stop();
    expect(writer.lost(to.pgdata)).toEqual([]);
    rmSync(join(dir, 'go on.trigger'), { force: true });
  });
});
