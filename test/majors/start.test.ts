import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureMajors, MAJORS } from '../../scripts/majors.js';

let bindirs: Readonly<Record<string, string>> = {};
let dir = '';

beforeAll(() => {
  bindirs = ensureMajors();
  dir = mkdtempSync(join(tmpdir(), 'pgrepl-majors-'));
  chmodSync(dir, 0o777);
}, 600_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** PostgreSQL's programs refuse root. */
function asOwner(words: readonly string[]): string {
  const become = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  const [program = '', ...rest] = [...become, ...words];
  const { status, stdout, stderr, error } = spawnSync(program, rest, { cwd: '/', encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

test.each(MAJORS)('a server of %i starts, answers on its socket and stops', (major) => {
  const bin = bindirs[major] ?? '';
  const data = join(dir, String(major));
  const log = join(dir, `${major}.log`);
  asOwner([join(bin, 'initdb'), '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync']);
  expect(readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()).toBe(String(major));
  const options = `-c listen_addresses='' -c unix_socket_directories='${dir}' -c port=${54000 + major}`;
  asOwner([join(bin, 'pg_ctl'), '-D', data, '-l', log, '-w', '-o', options, 'start']);
  try {
    expect(asOwner([join(bin, 'pg_ctl'), '-D', data, 'status'])).toContain('server is running');
    expect(readFileSync(join(data, 'postmaster.pid'), 'utf8')).toContain('ready');
  } finally {
    asOwner([join(bin, 'pg_ctl'), '-D', data, '-m', 'immediate', '-w', 'stop']);
  }
});
