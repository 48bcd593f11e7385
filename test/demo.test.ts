import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pgrepl, startPgrepl } from './e2e/support/pgrepl.ts';

/** The directory that a run of the demo names. */
function placeOf(text: string): string {
  return /\/\S*pgrepl-demo-\w{6}/.exec(text)?.[0] ?? '';
}

function serversIn(place: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    const { stdout } = spawnSync('readlink', [`/proc/${pid}/cwd`], { encoding: 'utf8' });
    return /^\d+$/.test(pid) && stdout.startsWith(`${place}/`);
  });
}

test('it shows the main job in plain text that fits, and leaves nothing behind', async () => {
  const shown = await pgrepl(['demo'], { seconds: 120, env: { COLUMNS: '60', LC_ALL: 'C.UTF-8' } });
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  for (const command of ['init-primary pg1', 'clone-standby pg2', 'clone-standby pg3', 'promote', 'status'])
    expect(shown.stdout).toContain(`$ pgrepl ${command}`);
  expect(shown.stdout).toMatch(/pg2: all \d+ rows read/);
  expect(shown.stdout).not.toContain('\u001b');
  const prose = shown.stdout.split('\n').filter((line) => !line.includes('`'));
  expect(Math.max(...prose.map((line) => [...line].length))).toBeLessThanOrEqual(60);
  expect(existsSync(placeOf(shown.stdout))).toBe(false);
}, 180_000);

test('Ctrl-C ends it, and everything is removed', async () => {
  const { child, ended } = startPgrepl(['demo'], { seconds: 120 });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('clone-standby pg2')) child.kill('SIGINT');
  });
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain('interrupted');
  expect(placeOf(stdout)).not.toBe('');
  expect(existsSync(placeOf(stdout))).toBe(false);
  expect(serversIn(placeOf(stdout))).toEqual([]);
}, 180_000);

test('--keep leaves it running, and what it prints connects and removes', async () => {
  const kept = await pgrepl(['demo', '--keep'], { seconds: 120 });
  expect(kept).toMatchObject({ code: 0 });
  const lines = kept.stdout.split('\n').map((line) => line.trim());
  const typed = (start: string): string => lines.find((line) => line.startsWith(start)) ?? '';
  const sh = (script: string) => spawnSync('sh', ['-c', script], { cwd: '/', encoding: 'utf8' });
  try {
    const rows = sh(`${typed('export PGPASSFILE')}; ${typed('psql')} -XAtc 'SELECT count(*) FROM orders'`);
    expect(Number(rows.stdout)).toBeGreaterThanOrEqual(200);
    const config = typed('export PGREPL_CONFIG').replace(/^.*=/, '');
    const { nodes } = (await pgrepl(['status', '--json', '--config', config])).json();
    expect(nodes.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
  } finally {
    expect(sh(typed('sh '))).toMatchObject({ status: 0 });
  }
  expect(existsSync(placeOf(kept.stdout))).toBe(false);
  expect(serversIn(placeOf(kept.stdout))).toEqual([]);
}, 180_000);
