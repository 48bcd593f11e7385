import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCluster } from '../../src/cluster/parse.ts';
import { asOwner } from '../e2e/support/machine.ts';
import { pgrepl, type Result } from '../e2e/support/pgrepl.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { setting, sql, writeAsOwner } from '../e2e/support/server.ts';
import { crash, faults, majorOfBasebackup, plannedCluster, startWith, stop } from './support.ts';

const COPIES = majorOfBasebackup();
const TRIGGERS = [11, 13];

/** A cluster's whole life on a major: created, copied, looked at, promoted. */
export function lifeOn(major: number): void {
  const dir = scratch();
  const home = join(dir, String(major));
  let file = '';
  const run = (...words: readonly string[]): Promise<Result> =>
    pgrepl([...words, '--config', file, '--json']);
  const done = async (...words: readonly string[]): Promise<void> => {
    const first = await run(...words);
    expect(first.json()).toMatchObject({ outcome: 'done', error: null });
    expect((await run(...words)).json()).toMatchObject({ outcome: 'unchanged', steps: [] });
  };
  const rowOf = async (name: string): Promise<unknown> => {
    const { nodes } = (await run('status')).json();
    return nodes.find((node) => node['name'] === name);
  };

  test('init-primary creates it, and its server finds no fault with what we wrote', async () => {
    file = await plannedCluster(dir, major);
    await done('init-primary', 'pg1');
    expect(faults(join(home, 'pg1'))).toBe('');
    expect(setting(join(home, 'pg1'), 'data_checksums')).toBe('on');
    expect(await rowOf('pg1')).toMatchObject({
      role: 'primary',
      state: 'running',
      timeline: 1,
      problems: [],
    });
    sql(join(home, 'pg1'), 'CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n;');
  });

  test('its standbys stream', async () => {
    if (major <= COPIES) {
      await Promise.all(['pg2', 'pg3'].map((name) => done('clone-standby', name)));
    } else {
      // No pg_basebackup here copies from it: it is refused, and the standbys are made by hand.
      const refused = await run('clone-standby', 'pg2');
      expect(refused.code).toBe(3);
      expect(refused.json().refusals[0]?.message).toContain(`the newest pg_basebackup here is of PostgreSQL`);
      for (const name of ['pg2', 'pg3']) await byHand(name);
    }
    for (const name of ['pg2', 'pg3']) {
      expect(readdirSync(join(home, name)).includes('recovery.conf')).toBe(major < 12);
      expect(readdirSync(join(home, name)).includes('standby.signal')).toBe(major >= 12);
      expect(faults(join(home, name))).toBe('');
    }
    const status = (await run('status')).json();
    expect(status).toMatchObject({ outcome: 'done', status: 0 });
    expect(status.nodes.map(({ name, state }) => [name, state])).toEqual([
      ['pg1', 'running'],
      ['pg2', 'streaming'],
      ['pg3', 'streaming'],
    ]);
  });

  test('a standby is promoted, and the other one follows it', async () => {
    if (TRIGGERS.includes(major)) await addTrigger();
    await crash(join(home, 'pg1'));
    const first = await run('promote', 'pg2');
    expect(first.json()).toMatchObject({ outcome: 'done', error: null });
    const byFile = JSON.stringify(first.json().steps).includes('go.trigger tells it');
    expect(byFile).toBe(TRIGGERS.includes(major));
    expect((await run('promote', 'pg2')).json()).toMatchObject({ outcome: 'unchanged' });
    sql(join(home, 'pg2'), 'INSERT INTO rows VALUES (1001);');
    expect(await rowOf('pg2')).toMatchObject({ role: 'primary', timeline: 2, problems: [] });
    expect(await rowOf('pg3')).toMatchObject({
      state: 'streaming',
      upstream: 'pg2',
      timeline: 2,
      problems: [],
    });
    expect(setting(join(home, 'pg2'), 'hot_standby')).toBe('on');
    expect(existsSync(join(home, 'pg2', 'standby.signal'))).toBe(false);
    expect(existsSync(join(home, 'pg2', 'recovery.conf'))).toBe(false);
  });

  /** A copy of the stopped primary, with the text that `render` prints. */
  async function byHand(name: string): Promise<void> {
    const [from, to] = [join(home, 'pg1'), join(home, name)];
    const { stdout: link } = await pgrepl(['render', 'primary_conninfo', name, '--config', file]);
    await stop(from);
    asOwner(['cp', '-a', from, to]);
    startWith(major, from);
    appendFileSync(join(to, 'postgresql.auto.conf'), link);
    appendFileSync(join(to, 'pgrepl.conf'), `port = '${portOf(name)}'\n`);
    writeAsOwner(join(to, 'pgrepl.pgpass'), '*:*:*:replicator:secret of the role\n');
    writeAsOwner(join(to, 'standby.signal'), '');
    startWith(major, to);
    expect((await run('clone-standby', name)).json().outcome).toBe('unchanged');
  }

  function portOf(name: string): number | undefined {
    const cluster = parseCluster(readFileSync(file, 'utf8'), file);
    return 'nodes' in cluster ? cluster.nodes.find((node) => node.name === name)?.port : undefined;
  }

  async function addTrigger(): Promise<void> {
    const pgdata = join(home, 'pg2');
    const trigger = join(home, 'go.trigger');
    if (major < 12) appendFileSync(join(pgdata, 'recovery.conf'), `trigger_file = '${trigger}'\n`);
    else sql(pgdata, `ALTER SYSTEM SET promote_trigger_file = '${trigger}';`);
    await stop(pgdata);
    startWith(major, pgdata);
  }
}
