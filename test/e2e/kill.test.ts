import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort, waitFor } from './support/machine.ts';
import { clone, cloneWords, newPrimary, processes, type Primary } from './support/pair.ts';
import { killedAfter, startPgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { sql, stopServer } from './support/server.ts';

describe('clone-standby', () => {
  const dir = scratch();
  let primary: Primary;

  beforeAll(async () => {
    primary = await newPrimary(dir);
  });

  function leftovers(): readonly string[] {
    return readdirSync(dir).filter((name) => name.includes('.pgrepl-'));
  }

  test.each(Array.from({ length: 12 }, (_, at) => at + 1))(
    'killed when %i steps were done, it arrives',
    async (steps) => {
      const to = { name: `k${steps}`, pgdata: join(dir, `k${steps}`), port: await freePort() };
      expect(await killedAfter(cloneWords(primary, to), steps)).toBe(true);
      const again = await clone(primary, to);
      expect(again.code, again.stderr).toBe(0);
      expect(await clone(primary, to, ['--check'])).toMatchObject({ code: 0 });
      expect(leftovers()).toEqual([]);
      stopServer(to.pgdata);
      sql(primary.pgdata, `SELECT pg_drop_replication_slot('${to.name}');`);
    },
  );

  /** A copy that takes its time, caught in the middle. */
  async function slowly(
    name: string,
  ): Promise<ReturnType<typeof startPgrepl> & { to: Parameters<typeof clone>[1] }> {
    const to = { name, pgdata: join(dir, name), port: await freePort() };
    const started = startPgrepl([...cloneWords(primary, to), '--max-rate', '2M', '--json']);
    await waitFor(() => existsSync(`${to.pgdata}.pgrepl-new/data/base`), { what: 'the copy runs' });
    expect(processes('pg_basebackup', to.pgdata).length).toBeGreaterThan(0);
    return { ...started, to };
  }

  async function noCopy(pgdata: string): Promise<void> {
    await waitFor(() => processes('pg_basebackup', pgdata).length === 0, { what: 'pg_basebackup ends' });
  }

  test('killed in the middle of the copy, pg_basebackup ends too, and running it again arrives', async () => {
    const { child, ended, to } = await slowly('mid');
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ code: 137 });
    await noCopy(to.pgdata);
    expect(leftovers()).toEqual(['mid.pgrepl-new']);
    expect(await clone(primary, to)).toMatchObject({ code: 0 });
    expect(leftovers()).toEqual([]);
    stopServer(to.pgdata);
  });

  test('interrupted in the middle of the copy, everything is as before; meanwhile nobody else works on it', async () => {
    const { child, ended, to } = await slowly('int');
    const second = await clone(primary, to, ['--json']);
    expect(second.json()).toMatchObject({ outcome: 'locked', status: 8, changed: false });
    expect(second.json().error?.message).toMatch(
      /int: another pgrepl works on it: pgrepl clone-standby, pid \d+ of/,
    );
    child.kill('SIGINT');
    const first = await ended;
    expect(first.json()).toMatchObject({ outcome: 'interrupted', status: 130, changed: false });
    expect(first.code).toBe(130);
    expect(processes('pg_basebackup', to.pgdata)).toEqual([]);
    expect(readdirSync(dir).filter((name) => name.startsWith('int'))).toEqual([]);
    expect(sql(primary.pgdata, `SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'int';`)).toBe(
      '0',
    );
  });
});
