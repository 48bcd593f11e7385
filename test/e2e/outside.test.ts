import { beforeAll, describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming, type Flock } from './support/flock.ts';
import { passwordFile, sql, stopServer } from './support/server.ts';
import { pgrepl, type Result } from './support/pgrepl.ts';

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

  beforeAll(() => sql(pgdata('a'), 'CREATE TABLE kept (id int);'));

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
  });

  test('rejoin refuses one that diverged, and says what would help', async () => {
    await crashAhead(cluster, 'b', 'INSERT INTO kept SELECT generate_series(1, 1000);');
    expect(await cluster.run(['promote', 'a', '--primary-is-dead'])).toMatchObject({ code: 0 });
    const refused = await run('rejoin', 'b', 'a', '--password-file', secret);
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.stderr).toContain('they diverged');
    expect(refused.stderr).toContain('With a cluster file `pgrepl rejoin` rewinds it.');
  });
});
