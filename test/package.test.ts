import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const dir = mkdtempSync(join(tmpdir(), 'pgrepl-package-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies?: object;
};

function run(words: readonly string[], cwd = '/') {
  const [program = '', ...rest] = words;
  const env = { ...process.env, NO_COLOR: '1', npm_config_update_notifier: 'false' };
  const { status, stdout, stderr } = spawnSync(program, rest, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

type Packed = { filename: string; size: number; files: readonly { path: string }[] };

test('npm pack and npm install without a network give a command that runs', () => {
  const packing = run(['npm', 'pack', '--json', '--pack-destination', dir], ROOT);
  expect(packing.status).toBe(0);
  const [packed] = JSON.parse(packing.stdout) as Packed[];
  const files = packed?.files.map(({ path }) => path) ?? [];
  expect(files).toEqual(
    expect.arrayContaining([
      'bin/pgrepl.js',
      'bin/package.json',
      'dist/main.cjs',
      'dist/verbs.cjs',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ]),
  );
  const strangers = files.filter(
    (path) =>
      !/^(bin\/(?:pgrepl\.js|package\.json)|dist\/(?:main|verbs)\.cjs|dist\/THIRD-PARTY-LICENSES\.txt|docs\/[\w./-]+|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(
        path,
      ),
  );
  expect(strangers).toEqual([]);
  expect(packed?.size).toBeLessThan(1024 * 1024);
  expect(manifest.dependencies).toBeUndefined();

  const words = [
    'install',
    '--global',
    '--offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    join(dir, 'there'),
  ];
  const installed = run(['npm', ...words, join(dir, packed?.filename ?? '')], dir);
  expect(installed).toMatchObject({ status: 0 });
  const pgrepl = join(dir, 'there', 'bin', 'pgrepl');
  expect(run([pgrepl, '--version'])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  const help = run([pgrepl, '--help']);
  expect(help).toMatchObject({ status: 0, stderr: '' });
  for (const verb of ['init-primary', 'clone-standby', 'promote', 'status', 'demo'])
    expect(help.stdout).toContain(verb);
  const status = run([pgrepl, 'status', '--json', '-D', join(dir, 'nothing')]);
  expect(JSON.parse(status.stdout)).toMatchObject({ command: 'status', nodes: [{ state: 'empty' }] });

  // The code that V8 compiled is kept for the next run; a file that is none of it does no harm and is written anew.
  const compiled = join(dir, 'there', 'lib', 'node_modules', 'pgrepl', 'dist', 'compiled');
  const [kept = '', ...others] = readdirSync(compiled);
  expect(others).toEqual([]);
  const before = readFileSync(join(compiled, kept));
  writeFileSync(join(compiled, kept), before.subarray(0, 1000));
  expect(run([pgrepl, 'status', '--json', '-D', join(dir, 'nothing')]).status).toBe(status.status);
  expect(readFileSync(join(compiled, kept)).length).toBeGreaterThan(1000);
  expect(readdirSync(compiled)).toEqual([kept]);
}, 180_000);
