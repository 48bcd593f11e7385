import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const TYPED = ['no-floating-promises', 'switch-exhaustiveness-check'];
const withTypes = new ESLint({ cwd: ROOT });
/** Types are looked up for files that are there; what needs none is quicker, and needs no such file. */
const withoutTypes = new ESLint({
  cwd: ROOT,
  overrideConfig: {
    languageOptions: { parserOptions: { projectService: false } },
    rules: Object.fromEntries(TYPED.map((rule) => [`@typescript-eslint/${rule}`, 'off'])),
  },
});

/** The rules that a file with this text breaks. */
async function broken(file: string, text: string, eslint = withoutTypes): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: join(ROOT, file) });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId ?? 'fatal'}: ${message}`);
}

const IMPORT = /no-restricted-imports/;

describe('an import that a room may not have is caught', () => {
  test.each([
    ...['src/tools/words.ts', 'src/render/hba.ts', 'src/facts/lsn.ts', 'src/plan/plan.ts'].flatMap((file) => [
      [file, 'node:fs'],
      [file, 'node:fs/promises'],
      [file, 'fs'],
      [file, 'node:crypto'],
      [file, 'execa'],
      [file, 'pg'],
      [file, 'chalk'],
      [file, 'zod'],
      [file, 'commander'],
      [file, '../run/execute.ts'],
      [file, '../report/terminal.ts'],
      [file, '../main.ts'],
    ]),
    ['src/tools/words.ts', '../plan/plan.ts'],
    ['src/tools/words.ts', '../render/hba.ts'],
    ['src/tools/words.ts', '../facts/lsn.ts'],
    ['src/render/hba.ts', '../plan/plan.ts'],
    ['src/render/hba.ts', '../facts/lsn.ts'],
    ['src/render/hba.ts', '../tools/psql.ts'],
    ['src/facts/lsn.ts', '../plan/plan.ts'],
    ['src/facts/lsn.ts', '../observe/inspect.ts'],
    ['src/cluster/types.ts', 'execa'],
    ['src/cluster/types.ts', '../run/execute.ts'],
    ['src/cluster/types.ts', '../facts/lsn.ts'],
    ['src/cluster/types.ts', '../tools/psql.ts'],
    ['src/run/execute.ts', 'execa'],
    ['src/run/execute.ts', 'node:child_process'],
    ['src/run/execute.ts', 'chalk'],
    ['src/run/execute.ts', '../report/terminal.ts'],
    ['src/run/execute.ts', '../plan/promote/promote.ts'],
    ['src/plan/promote/promote.ts', 'node:fs'],
    ['src/plan/promote/promote.ts', '../../run/execute.ts'],
    ['src/plan/promote/promote.ts', '../../main.ts'],
    ['src/report/terminal.ts', 'execa'],
    ['src/report/terminal.ts', 'pg'],
    ['src/report/terminal.ts', 'node:fs'],
    ['src/report/terminal.ts', '../run/execute.ts'],
    ['src/report/terminal.ts', '../doctor/check.ts'],
    ['src/doctor/check.ts', 'node:fs'],
    ['src/doctor/check.ts', '../run/execute.ts'],
    ['src/doctor/check.ts', '../ask/doctor.ts'],
    ['src/secrets/scram.ts', 'node:fs'],
    ['src/secrets/scram.ts', '../cluster/types.ts'],
    ['src/ask/source.ts', 'node:fs'],
    ['src/ask/source.ts', '../report/terminal.ts'],
    ['src/ask/source.ts', '../doctor/examine.ts'],
    ['src/observe/observe.ts', 'execa'],
    ['src/observe/observe.ts', '../ask/source.ts'],
    ['src/observe/observe.ts', '../operate/operate.ts'],
    ['src/observe/outage.ts', '../operate/verb.ts'],
    ['src/report/tree.ts', '../doctor/check.ts'],
    ['src/operate/operate.ts', 'chalk'],
    ['src/operate/operate.ts', '../verbs/promote.ts'],
    ['src/operate/operate.ts', '../report/terminal.ts'],
    ['src/operate/operate.ts', '../talk.ts'],
    ['src/verbs/promote.ts', 'commander'],
    ['src/verbs/promote.ts', 'execa'],
    ['src/errors.ts', 'execa'],
  ])('%s imports %s', async (file, module) => {
    expect(await broken(file, `export * from '${module}';\n`)).toContainEqual(expect.stringMatching(IMPORT));
  });
});

describe('an import that a room may have is not', () => {
  test.each([
    ['src/tools/words.ts', "export type * from '../cluster/types.ts';"],
    ['src/tools/words.ts', "export type * from '../facts/state.ts';"],
    ['src/render/hba.ts', "export * from '../tools/words.ts';"],
    ['src/plan/plan.ts', "export * from '../facts/lsn.ts';"],
    ['src/facts/lsn.ts', "export * from '../render/conf.ts';"],
    ['src/plan/promote/promote.ts', "export * from '../steps.ts';"],
    ['src/plan/promote/promote.ts', "export * from '../../facts/lsn.ts';"],
    ['src/plan/promote/promote.ts', "export * from '../../errors.ts';"],
    ['src/cluster/types.ts', "export * from 'node:fs/promises';"],
    ['src/cluster/types.ts', "export * from '../errors.ts';"],
    ['src/run/spawn.ts', "export * from 'execa';"],
    ['src/run/execute.ts', "export type * from '../plan/plan.ts';"],
    ['src/report/terminal.ts', "export type * from '../run/execute.ts';"],
    ['src/report/terminal.ts', "export * from 'chalk';"],
    ['src/ask/source.ts', "export * from '../run/spawn.ts';"],
    ['src/operate/operate.ts', "export * from '../observe/inspect.ts';"],
    ['src/secrets/scram.ts', "export * from 'node:crypto';"],
    ['src/doctor/check.ts', "export * from '../report/terminal.ts';"],
  ])('%s: %s', async (file, text) => expect(await broken(file, `${text}\n`)).toEqual([]));
});

describe('what the house style forbids is caught', () => {
  const long = `export function long(): number {\n${'  Math.abs(1);\n'.repeat(60)}  return 1;\n}\n`;
  test.each([
    ['src/errors.ts', 'export default 1;', 'no-restricted-syntax'],
    ['src/errors.ts', 'export enum Colour { red }', 'no-restricted-syntax'],
    ['src/errors.ts', 'export const x: any = 1;', 'no-explicit-any'],
    ['src/errors.ts', "export const x = process.env['X']!;", 'no-non-null-assertion'],
    ['src/errors.ts', long, 'max-lines-per-function'],
    ['src/errors.ts', 'export function f(): void { Promise.resolve(); }', 'no-floating-promises'],
    [
      'src/errors.ts',
      "export function f(x: 'a' | 'b'): void { switch (x) { case 'a': } }",
      'switch-exhaustiveness-check',
    ],
    [
      'src/errors.ts',
      "import { STATUS } from './errors.ts';\nexport type X = typeof STATUS;",
      'consistent-type-imports',
    ],
    ['src/plan/plan.ts', 'export const now = Date.now();', 'no-restricted-properties'],
    ['src/plan/plan.ts', 'export const now = new Date();', 'no-restricted-syntax'],
    ['src/plan/plan.ts', 'export const chance = Math.random();', 'no-restricted-properties'],
    ['src/plan/plan.ts', 'export const env = process.env;', 'no-restricted-globals'],
    ['src/plan/plan.ts', 'export default 1;', 'no-restricted-syntax'],
  ])('%s: %j breaks %s', async (file, text, rule) => {
    const eslint = TYPED.includes(rule) ? withTypes : withoutTypes;
    expect(await broken(file, `${text}\n`, eslint)).toContainEqual(expect.stringContaining(rule));
  });
});

type Graph = ReadonlyMap<string, readonly string[]>;

/** A ring of imports, if there is one. */
function ring(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  function walk(file: string, path: readonly string[]): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const imported of graph.get(file) ?? []) {
      const found = walk(imported, [...path, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  }
  for (const file of graph.keys()) {
    const found = walk(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Which file of src imports which: types count, and so do imports that wait for their verb. */
function importsOfSrc(): Graph {
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts'));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(ROOT, 'src', file), 'utf8');
      const found = [
        ...text.matchAll(/^(?:import|export|\})[^'"\n]*?from '(\.[^']+)';|\bimport\('(\.[^']+)'\)/gm),
      ];
      return [file, found.map(([, to, late]) => posix.join(posix.dirname(file), to ?? late ?? ''))];
    }),
  );
}

/** The folder of a file. The words are a room of their own, and each file at the root is one, as the table of docs/architecture.md has it. */
function roomOf(file: string): string {
  return file === 'tools/words.ts' ? file : (/^([^/]+)\//.exec(file)?.[1] ?? file);
}

function roomsOf(graph: Graph): Graph {
  const rooms = new Map<string, string[]>();
  for (const [file, imported] of graph) {
    const room = roomOf(file);
    const others = imported.map(roomOf).filter((each) => each !== room);
    rooms.set(room, [...(rooms.get(room) ?? []), ...others]);
  }
  return rooms;
}

describe('no file and no room imports itself by way of others', () => {
  test('a planted ring is found', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ]);
    expect(ring(graph)).toEqual(['b', 'd', 'b']);
  });

  test('src has none', () => {
    const graph = importsOfSrc();
    expect(graph.get('cluster/load.ts')).toContain('cluster/parse.ts');
    expect(graph.get('verbs/status.ts')).toContain('verbs/watch.ts');
    expect(ring(graph)).toBeUndefined();
  });

  test('a ring of rooms is found that is none of files', () => {
    const graph = new Map([
      ['report/list.ts', ['doctor/check.ts']],
      ['doctor/check.ts', ['tools/words.ts']],
      ['doctor/examine.ts', ['report/paint.ts']],
      ['tools/slot.ts', ['tools/words.ts']],
    ]);
    expect(ring(graph)).toBeUndefined();
    expect(ring(roomsOf(graph))).toEqual(['report', 'doctor', 'report']);
  });

  test('the rooms have none', () => {
    expect(ring(roomsOf(importsOfSrc()))).toBeUndefined();
  });
});
