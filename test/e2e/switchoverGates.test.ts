import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { IS_ROOT, OWNER, asOwner, program, waitFor, withoutPg } from './support/machine.ts';
import { setting, sql, startServer, stopServer, writeAsOwner } from './support/server.ts';
import { trio } from './support/trio.ts';

/** Every gate of a switchover on real servers: what is wrong, and that nothing is touched. test/plan has the rest. */
const stage = trio();
beforeAll(() => stage.make());

async function refusals(...more: readonly string[]): Promise<readonly string[]> {
  const said = (await stage.run('switchover', 'pg2', '--json', ...more)).json();
  expect(said).toMatchObject({ outcome: 'refused', status: 3, changed: false, steps: [] });
  return said.refusals.map(({ message }) => message);
}

async function isLetThrough(): Promise<void> {
  await waitFor(async () => (await stage.run('switchover', 'pg2', '--check')).code === 10, {
    seconds: 30,
    what: 'nothing is in the way any more',
  });
}

async function set(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(settings))
    sql(stage.data(name), `ALTER SYSTEM SET ${key} = '${value}';`);
  await reload(name);
}

async function reset(name: string, ...settings: readonly string[]): Promise<void> {
  for (const key of settings) sql(stage.data(name), `ALTER SYSTEM RESET ${key};`);
  await reload(name);
}

/** Settings in force: a reload, or a restart where one is wanted. */
async function reload(name: string): Promise<void> {
  const data = stage.data(name);
  const before = sql(data, 'SELECT pg_conf_load_time();');
  sql(data, 'SELECT pg_reload_conf();');
  await waitFor(() => sql(data, 'SELECT pg_conf_load_time();') !== before, { what: 'the reload' });
  if (sql(data, 'SELECT count(*) FROM pg_settings WHERE pending_restart;') === '0') return;
  stopServer(data);
  startServer(data);
}

describe('settings', () => {
  type Case = readonly [string, string, Readonly<Record<string, string>>, readonly string[]];
  const cases: readonly Case[] = [
    [
      'a floor of the other nodes',
      'pg2',
      { max_connections: '123', max_worker_processes: '9' },
      ['pg1', 'pg3'].flatMap((name) => [
        `${name}: max_connections is 100, and pg2 has 123: it could not be its standby`,
        `${name}: max_worker_processes is 8, and pg2 has 9: it could not be its standby`,
      ]),
    ],
    [
      'no free slot at the candidate',
      'pg2',
      { max_replication_slots: '1' },
      ['pg2: 1 replication slots are free, and 2 are needed'],
    ],
    [
      'commits that would hang',
      'pg2',
      { synchronous_standby_names: 'FIRST 2 (pg1, pg9)' },
      [
        'pg2: its synchronous_standby_names wants 2 of pg1, pg9, and 1 would follow it: every commit would hang',
      ],
    ],
    [
      'a standby that is late on purpose',
      'pg2',
      { recovery_min_apply_delay: '1h' },
      ['pg2: it replays 3600 s late (recovery_min_apply_delay)'],
    ],
    [
      'what is left of a restore',
      'pg1',
      { recovery_target_time: '2026-01-01', hot_standby: 'off' },
      [
        'pg1: recovery_target_time is set, and as a standby it would stop there',
        'pg1: hot_standby is off, and as a standby it could not be asked whether it streams',
      ],
    ],
    [
      'a timeline that is not followed',
      'pg3',
      { recovery_target_timeline: 'current' },
      ['pg3: recovery_target_timeline is current, and it would not follow the new timeline'],
    ],
  ];

  test.each(cases)('%s', async (_what, node, settings, said) => {
    await set(node, settings);
    // A primary that was restarted is streamed from a moment later.
    await waitFor(async () => !(await refusals()).some((each) => /does not stream|up to date/.test(each)), {
      seconds: 30,
      what: 'pg2 streams',
    });
    expect((await refusals()).toSorted()).toEqual(said.toSorted());
    await reset(node, ...Object.keys(settings));
    await isLetThrough();
  });
});

test('a replay that is paused', async () => {
  sql(stage.data('pg2'), 'SELECT pg_wal_replay_pause();');
  expect(await refusals()).toEqual(['pg2: its replay is paused']);
  sql(stage.data('pg2'), 'SELECT pg_wal_replay_resume();');
  await isLetThrough();
});

test('a lag above the limit, which is told with its bytes', async () => {
  const pid = Number(
    sql(stage.data('pg2'), `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup';`),
  );
  process.kill(pid, 'SIGSTOP');
  sql(stage.data('pg1'), 'CREATE TABLE lag AS SELECT generate_series(1, 1000) AS n; SELECT pg_switch_wal();');
  expect(await refusals('--max-lag', '1000')).toEqual([
    expect.stringMatching(/^pg2: is \d+ bytes behind pg1, and the limit is 1000$/),
  ]);
  process.kill(pid, 'SIGCONT');
  await isLetThrough();
});

test('an archive_command that fails, and one that is late', async () => {
  const data = stage.data('pg1');
  await set('pg1', { archive_mode: 'on', archive_command: 'false' });
  sql(data, 'CREATE TABLE archived (); SELECT pg_switch_wal();');
  await waitFor(() => sql(data, 'SELECT failed_count > 0 FROM pg_stat_archiver;') === 't', {
    seconds: 30,
    what: 'it fails',
  });
  await waitFor(async () => (await refusals()).every((each) => each.startsWith('pg1')), {
    seconds: 30,
    what: 'pg2 streams',
  });
  expect(await refusals()).toEqual([
    expect.stringMatching(/^pg1: archive_command fails \(last for [0-9A-F]{24}\)$/),
  ]);
  const goOn = join(stage.dir, 'archived');
  await set('pg1', { archive_command: `until [ -f ${goOn} ]; do sleep 0.1; done` });
  sql(data, `SELECT pg_stat_reset_shared('archiver');`);
  const status = join(data, 'pg_wal', 'archive_status');
  // Of segments that were never there, as many as a long trouble leaves.
  for (let n = 0; n < 70; n += 1)
    writeAsOwner(
      join(status, `0000000100000001000000${n.toString(16).toUpperCase().padStart(2, '0')}.ready`),
      '',
    );
  expect(await refusals()).toEqual([expect.stringMatching(/^pg1: 7\d WAL files wait to be archived$/)]);
  asOwner(['sh', '-c', 'rm -f "$1"/0000000100000001*.ready', 'rm', status]);
  writeAsOwner(goOn, '');
  await reset('pg1', 'archive_mode', 'archive_command');
  await isLetThrough();
});

test('a base backup that runs, of the primary or of the candidate', async () => {
  for (const name of ['pg1', 'pg2']) {
    const words = [
      program('pg_basebackup'),
      '-h',
      '127.0.0.1',
      '-p',
      String(stage.port(name)),
      '-U',
      'replicator',
    ];
    words.push('-D', join(stage.dir, `backup-${name}`), '--max-rate=32k', '-c', 'fast', '-X', 'none');
    const env = { ...withoutPg(), PGPASSWORD: 'secret of the role' };
    const [first = '', ...rest] = IS_ROOT ? ['runuser', '-u', OWNER, '--', ...words] : words;
    const backup = spawn(first, rest, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env });
    let said = '';
    backup.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const runs = `SELECT count(*) FROM pg_stat_progress_basebackup WHERE phase LIKE 'streaming%';`;
    await waitFor(() => said !== '' || sql(stage.data(name), runs) === '1', {
      seconds: 30,
      what: 'the backup',
    });
    expect(said).toBe('');
    expect(await refusals()).toEqual([`${name}: a base backup is running and would be lost`]);
    sql(stage.data(name), 'SELECT pg_terminate_backend(pid) FROM pg_stat_progress_basebackup;');
    await new Promise((resolve) => backup.once('close', resolve));
    await isLetThrough();
  }
});

test('a candidate that does not stream, is stopped, or cannot be asked; and two primaries', async () => {
  const own = setting(stage.data('pg2'), 'primary_conninfo');
  await set('pg2', { primary_conninfo: 'host=127.0.0.1 port=1' });
  await waitFor(async () => (await stage.run('switchover', 'pg2', '--check')).code === 3, {
    seconds: 30,
    what: 'it does not stream',
  });
  expect(await refusals()).toEqual(['pg2: does not stream from pg1']);
  await set('pg2', { primary_conninfo: own });
  await isLetThrough();
  stopServer(stage.data('pg2'));
  expect(await refusals()).toEqual(['pg2: is no running standby (stopped)']);
  startServer(stage.data('pg2'));
  await isLetThrough();
  asOwner([program('pg_ctl'), '-D', stage.data('pg3'), '-s', '-w', 'promote']);
  expect(await refusals()).toEqual(['pg1 and pg3: both take writes, and belong to one cluster']);
});
