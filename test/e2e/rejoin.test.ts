import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crashAhead, flock, streaming } from './support/flock.ts';
import { asOwner } from './support/machine.ts';
import { sql, startServer, stopServer, writeAsOwner } from './support/server.ts';
import { Writer, prepareWriter } from './support/writer.ts';

describe('an old primary comes back', async () => {
  const cluster = await flock({ a: undefined, b: 'a', c: 'a' });
  const { pgdata, run, document } = cluster;

  test('as it is, where the new primary has all that it has', async () => {
    stopServer(pgdata('a'));
    expect(await run(['promote', 'b'])).toMatchObject({ code: 0 });
    const shown = await run(['rejoin', 'a', '--dry-run']);
    expect(shown.stdout).toContain('note: a: nothing it has is lost: no rewind');
    expect(shown.stdout).not.toContain('pg_rewind');
    expect(await document(['rejoin', 'a'])).toMatchObject({ outcome: 'done', changed: true });
    expect(streaming(pgdata('b'), 'a')).toBe(true);
    expect(await document(['rejoin', 'a'])).toMatchObject({ outcome: 'unchanged', steps: [] });
    expect(sql(pgdata('a'), 'SELECT slot_name FROM pg_replication_slots;')).toBe('');
    expect(await run(['status'])).toMatchObject({ code: 0 });
  });

  test('rewound, where it crashed with what nobody else has; nothing of the new primary is lost', async () => {
    prepareWriter(pgdata('b'));
    writeAsOwner(join(pgdata('b'), 'notes.txt'), 'of b alone');
    asOwner(['mkdir', join(pgdata('b'), 'log')]);
    writeAsOwner(join(pgdata('b'), 'log', 'yesterday.log'), 'what happened');
    writeAsOwner(join(pgdata('b'), 'pg_ident.conf'), '# of b alone\n');
    const own = readFileSync(join(pgdata('b'), 'pgrepl.conf'), 'utf8');
    await crashAhead(
      cluster,
      'b',
      'CREATE TABLE lost AS SELECT generate_series(1, 30000) AS i; DROP TABLE lost;',
    );
    expect(await run(['promote', 'a'])).toMatchObject({ code: 0 });
    const writer = await new Writer([cluster.port('a')]).start();
    const back = await document(['rejoin', 'b']);
    expect(back).toMatchObject({ outcome: 'done', changed: true, error: null });
    await writer.acknowledges(5);
    await writer.stop();
    expect(back['notes']).toContainEqual(
      expect.stringMatching(
        /^b: lost: WAL of timeline 2 from 0\/\w+ to 0\/\w+ \(\d+ bytes\); its segments are kept in /,
      ),
    );
    expect(writer.lost(pgdata('a'))).toEqual([]);
    expect(streaming(pgdata('a'), 'b')).toBe(true);
    expect(streaming(pgdata('a'), 'c')).toBe(true);

    const kept = readdirSync(cluster.dir).filter((name) => name.startsWith('b.pgrepl'));
    expect(kept).toEqual([expect.stringMatching(/^b\.pgrepl-lost-2-\d{8}T\d{6}$/)]);
    const wal = readdirSync(join(cluster.dir, kept[0] ?? '', 'wal'));
    expect(wal.filter((name) => name.startsWith('00000002') && name.length === 24).length).toBeGreaterThan(1);
    expect(existsSync(join(cluster.dir, kept[0] ?? '', 'pg_control'))).toBe(true);
    expect(readFileSync(join(pgdata('b'), 'notes.txt'), 'utf8')).toBe('of b alone');
    expect(readFileSync(join(pgdata('b'), 'log', 'yesterday.log'), 'utf8')).toBe('what happened');
    expect(readFileSync(join(pgdata('b'), 'pg_ident.conf'), 'utf8')).toBe('# of b alone\n');
    expect(readFileSync(join(pgdata('b'), 'pgrepl.conf'), 'utf8')).toBe(own);
    expect(sql(pgdata('b'), `SELECT to_regclass('lost') IS NULL;`)).toBe('t');
    expect(await document(['rejoin', 'b'])).toMatchObject({ outcome: 'unchanged' });
  });

  test('stopped first, where it takes writes as a second primary, and only when somebody says yes', async () => {
    stopServer(pgdata('a'));
    expect(await run(['promote', 'c'])).toMatchObject({ code: 0 });
    startServer(pgdata('a'));
    sql(pgdata('a'), 'CREATE TABLE second (i int);');
    const unasked = await document(['rejoin', 'a']);
    expect(unasked).toMatchObject({ outcome: 'refused', status: 3 });
    expect(unasked.refusals[0]?.message).toMatch(
      /stop a and discard what it alone has: WAL of timeline 3 from/,
    );
    expect(sql(pgdata('a'), 'SELECT pg_is_in_recovery();')).toBe('f');
    expect(await document(['rejoin', 'a', '--yes'])).toMatchObject({ outcome: 'done' });
    expect(streaming(pgdata('c'), 'a')).toBe(true);
    expect(sql(pgdata('a'), `SELECT to_regclass('second') IS NULL;`)).toBe('t');
    expect(await document(['rejoin', 'c'])).toMatchObject({ outcome: 'refused' });
  });
});
