import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { STATUS } from '../src/errors.ts';
import { buildProgram } from '../src/program.ts';
import { freePort, withoutPg } from './e2e/support/machine.ts';
import { PROGRAM } from './e2e/support/pgrepl.ts';
import { scratch } from './e2e/support/scratch.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...under('docs')];

function under(directory: string): readonly string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(directory, name));
}

function page(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

/** As GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('the reference is what the commander tree says: npm run docs writes it', () => {
  const script = join(ROOT, 'scripts', 'reference.js');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}, 60_000);

test('the table of majors is of the tests that are there', () => {
  const script = join(ROOT, 'scripts', 'majorsTable.js');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}, 60_000);

test.each(PAGES)('%s: every link leads somewhere', (name) => {
  const links = [...page(name).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, to = '']) => to);
  const broken = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const to = path === '' ? name : join(dirname(name), path);
    if (!existsSync(join(ROOT, to))) return true;
    return anchor !== undefined && !anchorsOf(page(to)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('the contract has every exit status, and no other', () => {
  const rows = [...page('docs/contract.md').matchAll(/^\| (\d+) +\|/gm)].map(([, status]) => Number(status));
  expect(rows.sort((a, b) => a - b)).toEqual([...new Set(Object.values(STATUS))].sort((a, b) => a - b));
});

test('the contract and the README name every verb', () => {
  const verbs = buildProgram().commands.map((command) => command.name());
  for (const verb of verbs) {
    expect(page('docs/contract.md')).toContain(`\`${verb}`);
    expect(page('README.md')).toContain(verb);
  }
});

test.each(PAGES)('%s: every command line that it shows is one', (name) => {
  const tree = buildProgram();
  const blocks = [...page(name).matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  const lines = blocks.flatMap((text) => text.split('\n')).filter((line) => line.startsWith('pgrepl '));
  const wrong = lines.filter((line) => {
    const words = line.replace(/#.*/, '').trim().split(/\s+/).slice(1);
    const first = tree.commands.find((command) => command.name() === words[0]);
    const command = first?.commands.find((part) => part.name() === words[1]) ?? first;
    const flags = words.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*/, ''));
    const known = command?.options.flatMap(({ short, long }) => [short, long]) ?? [];
    return command === undefined || !flags.every((flag) => known.includes(flag));
  });
  expect(wrong).toEqual([]);
});

/** The steps that a run or a sample of one shows, whoever did them and however long that took. */
function stepsOf(text: string): string[] {
  return [...text.matchAll(/^✓ pg\d: (.*) \d+ ms$/gm)].map(([, step = '']) =>
    step.replaceAll(/pg\d/g, 'pgN').replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS'),
  );
}

/** Those of a rewind are seen in test/e2e/rejoin.test.ts. */
const OF_A_REWIND =
  /rewind|rewound|recover it|what will be lost|its own files again|a checkpoint, so that its timeline/;

describe('getting started', () => {
  const dir = scratch();

  test('word for word, on one machine', async () => {
    const text = page('docs/getting-started.md');
    const [, section = ''] = /^## On one machine\n([\s\S]*?)^## /m.exec(text) ?? [];
    const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
    expect(blocks.length).toBeGreaterThan(6);
    let script = `set -e\n${blocks.join('\n')}`.replaceAll('/srv/shop', `${dir}/shop`);
    for (const port of ['6001', '6002', '6003']) script = script.replaceAll(port, String(await freePort()));
    const shim = join(dir, 'pgrepl');
    writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
    chmodSync(shim, 0o755);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], {
      cwd: '/',
      env: { ...withoutPg(), PATH: `${dir}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
      timeout: 240_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('done') });
    const [, shown = ''] = /^```\n(node[\s\S]*?)^```/m.exec(section) ?? [];
    expect(stdout).toContain(shown.trimEnd());
    expect(stdout.match(/^healthy$/gm)?.length).toBe(3);
    for (const name of ['switchover', 'promote', 'rejoin'])
      expect(stepsOf(stderr)).toEqual(
        expect.arrayContaining(
          stepsOf(page(`docs/operations/${name}.md`)).filter((step) => !OF_A_REWIND.test(step)),
        ),
      );
    expect(existsSync(join(dir, 'shop'))).toBe(false);
  }, 300_000);
});
