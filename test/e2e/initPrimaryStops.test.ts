import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from './support/machine.ts';
import { pgrepl, startPgrepl, type Options, type Result } from './support/pgrepl.ts';
import { scratch, stopServersIn } from './support/scratch.ts';
import { configure, initdb, passwordFile, setting, sql, startServer } from './support/server.ts';

/** Stopped at any moment, it is run again and arrives, and then there is nothing to do. */

type Place = { pgdata: string; args: readonly string[] };

async function place(dir: string, name: string): Promise<Place> {
  const pgdata = join(dir, name);
  const port = await freePort();
  const words = [
    '-D',
    pgdata,
    '-p',
    String(port),
    '--allow',
    '127.0.0.1',
    '--password-file',
    passwordFile(dir, 'secret'),
  ];
  return { pgdata, args: ['init-primary', ...words] };
}

/** Runs it and sends a signal as soon as so many steps are done; before the first, when it is told what it notes. */
async function stopAfter(
  steps: number,
  signal: NodeJS.Signals,
  { args }: Place,
  options: Options = {},
): Promise<Result> {
  let sent = false;
  return pgrepl(args, {
    ...options,
    onStderr: (text, child) => {
      if (sent || (text.match(/^✓/gm) ?? []).length < steps) return;
      sent = true;
      child.kill(signal);
    },
  });
}

async function arrives({ pgdata, args }: Place): Promise<void> {
  const again = await pgrepl(args);
  expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 });
  expect(
    sql(
      pgdata,
      "SELECT rolreplication FROM pg_authid WHERE rolname = 'replicator' AND rolpassword LIKE 'SCRAM%';",
    ),
  ).toBe('t');
  const third = await pgrepl([...args, '--json']);
  const { outcome, status, steps } = third.json();
  const whys = steps.map(({ why, ms }) => `${String(why)}: ${String(ms)}`);
  expect({ outcome, status, whys }).toEqual({ outcome: 'unchanged', status: 0, whys: [] });
  expect(readdirSync(join(pgdata, '..')).filter((name) => /pgrepl/.test(name))).toEqual([]);
}

/** Of ten: what is killed while it prepares its staging directory is made anew, whatever it had there. */
const STEPS_OF_CREATION = [0, 1, 2, 5, 6, 7, 8, 9];

describe('a creation that is killed', () => {
  const dir = scratch();

  test.each(STEPS_OF_CREATION)('after %i steps', async (steps) => {
    const at = await place(dir, `killed ${steps}`);
    const killed = await stopAfter(steps, 'SIGKILL', at);
    expect(killed.code).toBe(137);
    await arrives(at);
    stopServersIn(at.pgdata.replace(/\/[^/]*$/, ''));
  });

  test('in the middle of initdb', async () => {
    const at = await place(dir, 'initdb');
    const { child, ended } = startPgrepl(at.args);
    while (
      !existsSync(`${at.pgdata}.pgrepl-new/data/PG_VERSION`) &&
      !existsSync(`${at.pgdata}.pgrepl-new/data/base`)
    )
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    expect((await ended).code).toBe(137);
    await arrives(at);
  });
});

describe('a creation that is interrupted', () => {
  const dir = scratch();

  test('ends after the step that runs', async () => {
    const at = await place(dir, 'interrupted');
    const stopped = await stopAfter(2, 'SIGINT', at);
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('interrupted');
    expect(stopped.stderr).toContain('Running it again continues');
    await arrives(at);
  });

  test('and says so as JSON', async () => {
    const at = await place(dir, 'json');
    const { child, ended } = startPgrepl([...at.args, '--json']);
    while (!existsSync(`${at.pgdata}.pgrepl-new`)) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGTERM');
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(stopped.json()).toMatchObject({ outcome: 'interrupted', status: 130 });
    await arrives(at);
  });
});

describe('an adoption that is killed', () => {
  const dir = scratch();
  const STEPS_OF_ADOPTION = 6;

  test('after every step', async () => {
    const at = await place(dir, 'old');
    initdb(at.pgdata);
    configure(at.pgdata, {
      port: at.args[4] ?? '',
      unix_socket_directories: '/tmp',
      fsync: 'off',
      wal_level: 'minimal',
      max_wal_senders: 0,
    });
    startServer(at.pgdata);
    for (let steps = 0; steps < STEPS_OF_ADOPTION; steps += 1) {
      const killed = await stopAfter(steps === 0 ? 0 : 1, 'SIGKILL', at);
      if (killed.code === 0) break;
      expect(killed.code).toBe(137);
    }
    await arrives(at);
    expect(setting(at.pgdata, 'wal_level')).toBe('replica');
  });

  test('after the rules were written: the server reads them when it is run again', async () => {
    const at = await place(dir, 'rules');
    expect(await pgrepl(at.args)).toMatchObject({ code: 0 });
    const more = { ...at, args: [...at.args, '--allow', '127.0.0.2'] };
    const killed = await stopAfter(1, 'SIGKILL', more);
    expect(killed.code).toBe(137);
    expect(killed.stderr).toContain('standbys are let in');
    const before = sql(at.pgdata, 'SELECT pg_conf_load_time();');
    await arrives(more);
    expect(sql(at.pgdata, `SELECT pg_conf_load_time() > '${before}';`)).toBe('t');
  });
});

test('two at once: the second says who works there, and the first is not disturbed', async () => {
  const dir = scratch();
  const at = await place(dir, 'both');
  const first = startPgrepl(at.args);
  while (!existsSync(`${at.pgdata}.pgrepl-new`)) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await pgrepl(at.args);
  expect(second.code).toBe(8);
  expect(second.stderr).toContain(`pgrepl init-primary, pid ${first.child.pid}`);
  expect(second.stderr).toMatch(/since \d{4}-/);
  expect((await first.ended).code).toBe(0);
  const third = await pgrepl([...at.args, '--json']);
  expect(third.json()).toMatchObject({ outcome: 'unchanged' });
});
