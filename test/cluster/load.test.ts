import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findClusterFile, loadCluster } from '../../src/cluster/load.ts';
import { readPassword } from '../../src/cluster/password.ts';
import type { PasswordSource } from '../../src/cluster/types.ts';

let dir = '';
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pgrepl-load-'));
  await writeFile(
    at('pgrepl.yaml'),
    'cluster: shop\nreplication: { password: { file: pw } }\nnodes: { a: { pgdata: /a } }\n',
  );
  await writeFile(at('wrong.yaml'), 'cluster: shop\nnodes: { a: { pgdata: a }, b: { upstream: c } }\n');
  await writeFile(at('pw'), 'geheim ß"\\:#$%&\'\nsecond line\n', { mode: 0o600 });
  await writeFile(at('windows'), 'geheim\r\n', { mode: 0o600 });
  await writeFile(at('empty'), '\n', { mode: 0o600 });
  await writeFile(at('open'), 'geheim\n');
  await chmod(at('open'), 0o640);
});
afterAll(() => rm(dir, { recursive: true }));

describe('loadCluster', () => {
  test('names the password file beside the cluster file', async () => {
    expect(await loadCluster(at('pgrepl.yaml'))).toMatchObject({
      name: 'shop',
      replication: { password: { file: at('pw') } },
    });
  });

  test('throws all that is wrong as a usage error', async () => {
    await expect(loadCluster(at('wrong.yaml'))).rejects.toMatchObject({
      outcome: 'usage',
      problems: [{ message: expect.stringContaining(`(${at('wrong.yaml')}:2)`) }, {}, {}],
    });
  });

  test.each([['nowhere'], ['.'], ['pw/x']])('%s is no cluster file', async (name) => {
    await expect(loadCluster(at(name))).rejects.toMatchObject({
      outcome: 'usage',
      problems: [{ hint: expect.any(String) }],
    });
  });
});

test('the flag beats the environment, and both beat the directory', async () => {
  expect(await findClusterFile('f', { PGREPL_CONFIG: 'e' }, dir)).toBe('f');
  expect(await findClusterFile(undefined, { PGREPL_CONFIG: 'e' }, dir)).toBe('e');
  expect(await findClusterFile(undefined, { PGREPL_CONFIG: '' }, dir)).toBe(at('pgrepl.yaml'));
  expect(await findClusterFile(undefined, {}, join(dir, 'nowhere'))).toBeUndefined();
});

describe('readPassword', () => {
  process.env['PGREPL_TEST_PASSWORD'] = 'geheim';
  const node = process.execPath;
  test.each<[string, () => PasswordSource, string]>([
    ['first line of a file', () => ({ file: at('pw') }), 'geheim ß"\\:#$%&\''],
    ['file with CRLF', () => ({ file: at('windows') }), 'geheim'],
    ['environment', () => ({ env: 'PGREPL_TEST_PASSWORD' }), 'geheim'],
    ['command', () => ({ command: ['printf', '%s\n', '$HOME; geheim'] }), '$HOME; geheim'],
    ['command that reads stdin to its end', () => ({ command: ['sh', '-c', 'cat; echo geheim'] }), 'geheim'],
  ])('%s', async (_, source, password) => {
    const secret = await readPassword(source(), 'replication.password');
    expect(secret.reveal()).toBe(password);
    expect(JSON.stringify({ secret })).not.toContain(password);
  });

  test.each<[string, () => PasswordSource, string, RegExp]>([
    ['no file', () => ({ file: at('none') }), 'usage', /there is no such file/],
    ['a directory', () => ({ file: dir }), 'usage', /is not a file/],
    ['a file open to others', () => ({ file: at('open') }), 'usage', /others than its owner/],
    ['an empty file', () => ({ file: at('empty') }), 'usage', /is empty/],
    ['no variable', () => ({ env: 'PGREPL_TEST_NONE' }), 'usage', /PGREPL_TEST_NONE is not set/],
    [
      'no program',
      () => ({ command: ['pgrepl-no-such-program'] }),
      'usage',
      /no program pgrepl-no-such-program/,
    ],
    [
      'a failing command',
      () => ({ command: [node, '-e', "console.log('geheim'); console.error('locked'); process.exit(3)"] }),
      'refused',
      /ended with status 3: locked$/,
    ],
    ['a killed command', () => ({ command: ['sh', '-c', 'kill -9 $$'] }), 'refused', /ended by SIGKILL/],
    ['a talkative command', () => ({ command: ['yes', 'geheim'] }), 'refused', /too much/],
  ])('%s', async (_, source, outcome, message) => {
    const error: unknown = await readPassword(source(), 'replication.password').catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ outcome, message: expect.stringMatching(/^replication\.password: /) });
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(JSON.stringify(error) + String(error)).not.toContain('geheim');
  });
});
