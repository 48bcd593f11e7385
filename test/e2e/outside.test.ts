import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming, type Flock } from './support/flock.ts';
import { isRunning, passwordFile, sql, startServer, stopServer } from './support/server.ts';
import { waitFor } from './support/machine.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';
import { hasEveryRow, writerOn, type Writer } from './support/writer.ts';

/** follow and rejoin on the host of the server itself, with a replication login and no cluster file. */
describe('without a cluster file', async () => {
  const cluster: Flock = await flock({ a: undefined, b: 'a', c: 'a' });
  const { pgdata, port } = cluster;
  const secret = passwordFile(cluster.dir, 'secret of the role', 'outside.password');
  const words = (verb: string, name: string, to: string): readonly string[] => [
    ...[verb, '-D', pgdata(name), '--upstream', `127.0.0.1:${port(to)}`],
  ];
  const run = (verb: string, name: string, to: string, ...more: readonly string[]): Promise<Result> =>
    pgrepl([...words(verb, name, to), ...more], { seconds: 100 });
  const slots = (name: string): string => sql(pgdata(name), 'SELECT slot_name FROM pg_replication_slots;');

  let writer: Writer;

  beforeAll(async () => {
    sql(pgdata('a'), 'CREATE TABLE kept (id int);');
    writer = await writerOn(pgdata('a'), [port('a'), port('b')]);
  });

  afterAll(async () => writer.stop());

  /** The primary takes writes, and of what it acknowledged nothing is missing anywhere. */
  const keeps = async (...names: readonly string[]): Promise<void> => {
    await writer.acknowledges(3);
    for (const name of names) await hasEveryRow(pgdata(name), writer);
  };

  test('follow moves it with the password file that it has, keeps its name and slot, and says what is left', async () => {
    expect(await run('follow', 'c', 'b', '--check')).toMatchObject({ code: 10 });
    const moved = await run('follow', 'c', 'b');
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.stderr).toContain(
      `its slot c at 127.0.0.1:${port('a')} holds WAL until it is dropped there`,
    );
    expect([streaming(pgdata('b'), 'c'), slots('b')]).toEqual([true, 'c']);
    const again = (await run('follow', 'c', 'b', '--json')).json();
    expect(again).toMatchObject({ outcome: 'unchanged', changed: false, steps: [] });
    expect(await run('follow', 'c', 'a', '--password-file', secret)).toMatchObject({ code: 0 });
    expect(streaming(pgdata('a'), 'c')).toBe(true);
    await keeps('a', 'b', 'c');
  });

  test('what is wrong on the command line is said, and what is no standby is not moved', async () => {
    expect(await pgrepl(['follow', '-D', pgdata('c')])).toMatchObject({ code: 2 });
    expect(await pgrepl(['follow', '-D', pgdata('c'), '--upstream', 'a b'])).toMatchObject({ code: 2 });
    expect(await run('rejoin', 'c', 'a', '--allow-reclone')).toMatchObject({ code: 2 });
    expect(await cluster.run(['rejoin', 'c', '--upstream', '127.0.0.1'])).toMatchObject({ code: 2 });
    expect(await run('follow', 'a', 'b')).toMatchObject({ code: 3 });
    const nobody = await pgrepl(['follow', '-D', pgdata('c'), '--upstream', '127.0.0.1:1']);
    expect(nobody).toMatchObject({ code: 4 });
  });

  test('switchover says which file it wants, filled in with what the standby tells', async () => {
    const refused = await pgrepl(['switchover', '-D', pgdata('c'), '--name', 'c']);
    expect(refused).toMatchObject({ code: 2 });
    const file = join(cluster.dir, 'hinted.yaml');
    writeFileSync(file, refused.stderr.slice(refused.stderr.indexOf('cluster: c')));
    writeFileSync(join(cluster.dir, 'replicator.password'), 'secret of the role', { mode: 0o600 });
    const { nodes } = (await pgrepl(['status', '-c', file, '--json'])).json();
    expect(nodes.map(({ name, upstream, state }) => [name, upstream, state])).toEqual([
      ['primary', null, 'unreachable'],
      ['c', 'primary', 'streaming'],
    ]);
  });

  test('rejoin starts a stopped standby, and an old primary whose successor has all that it had', async () => {
    stopServer(pgdata('c'));
    expect(await run('follow', 'c', 'a')).toMatchObject({ code: 3 });
    expect(await run('rejoin', 'c', 'a')).toMatchObject({ code: 0 });
    expect(streaming(pgdata('a'), 'c')).toBe(true);
    stopServer(pgdata('a'));
    expect(await cluster.run(['promote', 'b', '--primary-is-dead'])).toMatchObject({ code: 0 });
    const joined = await run('rejoin', 'a', 'b', '--password-file', secret, '--name', 'a', '--json');
    expect(joined.json()).toMatchObject({ outcome: 'done', status: 0, changed: true });
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    expect((await run('rejoin', 'a', 'b', '--json')).json()).toMatchObject({ outcome: 'unchanged' });
    await keeps('a', 'b', 'c');
  });

  test('remove-standby stops it, and drops its slot with its own login; a second time there is nothing to do', async () => {
    const before = slots('b').split('\n');
    expect(before).toContain('c');
    expect(await pgrepl(['remove-standby', '-D', pgdata('c')])).toMatchObject({ code: 3 });
    const removed = await pgrepl(['remove-standby', '-D', pgdata('c'), '--yes']);
    expect(removed).toMatchObject({ code: 0 });
    expect(removed.stderr).toContain(`drop its slot c at 127.0.0.1:${port('b')}`);
    expect([isRunning(pgdata('c')), slots('b')]).toEqual([
      false,
      before.filter((name) => name !== 'c').join('\n'),
    ]);
    const again = await pgrepl(['remove-standby', '-D', pgdata('c'), '--yes', '--json']);
    expect(again.json()).toMatchObject({ outcome: 'unchanged', steps: [] });
    expect(await cluster.run(['rejoin', 'c'])).toMatchObject({ code: 0 });
  });

  test('remove-standby whose upstream is away stops it, and says what is left there', async () => {
    stopServer(pgdata('b'));
    const removed = await pgrepl(['remove-standby', '-D', pgdata('c'), '--yes']);
    expect(removed).toMatchObject({ code: 0 });
    expect(removed.stderr).toMatch(/its slot c at \S+ may be left \(.*\); there: pgrepl slot drop -D DIR c/);
    startServer(pgdata('b'));
    await waitFor(() => streaming(pgdata('b'), 'a'), { what: 'the other standby is back' });
  });

  test('rejoin refuses one that diverged, and says what would help', async () => {
    await keeps('a', 'b');
    // What is acknowledged from now on is lost with b.
    await writer.stop();
    await crashAhead(cluster, 'b', 'INSERT INTO kept SELECT generate_series(1, 1000);');
    expect(await cluster.run(['promote', 'a', '--primary-is-dead'])).toMatchObject({ code: 0 });
    const refused = await run('rejoin', 'b', 'a', '--password-file', secret);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('they diverged');
    expect(refused.stderr).toContain('With a cluster file `pgrepl rejoin` rewinds it.');
  });
});
