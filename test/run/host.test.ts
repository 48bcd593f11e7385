import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { onHost, type Become } from '../../src/run/host.ts';

const SSH = { program: 'ssh', controlDir: '/c', connectSeconds: 10 };
const words = ['printf', '[%s]', `a 'b' "c" $d \\e \`f\` é\n;&|<>*?#~!{}`, '', '-n'];

test.each<[Become | undefined, readonly string[]]>([
  [undefined, []],
  [{ user: 'postgres', by: 'self' }, []],
  [{ user: 'postgres', by: 'runuser' }, ['runuser', '-u', 'postgres', '--']],
  [{ user: 'postgres', by: 'su' }, ['su', '-s', '/bin/sh', 'postgres', '-c', 'exec "$@"', 'sh']],
  [{ user: 'postgres', by: 'sudo' }, ['sudo', '-n', '-u', 'postgres', '--']],
])('as %j', (become, before) => {
  expect(onHost({ via: 'local' }, words, become)).toEqual([...before, ...words]);
  expect(onHost({ via: 'docker', container: 'c1' }, words, become)).toEqual([
    ...['docker', 'exec', '-i', '-w', '/', 'c1'],
    ...before,
    ...words,
  ]);
});

test('behind ssh every word comes out as it went in, through two shells', () => {
  const host = { via: 'ssh', destination: 'me@web', port: 22 } as const;
  const all = onHost(host, words, undefined, SSH);
  expect(all.slice(0, -1)).toEqual(
    expect.arrayContaining(['ssh', '-T', 'BatchMode=yes', '-p', '22', 'me@web', '--']),
  );
  const printed = execFileSync('printf', words.slice(1)).toString();
  const there = (line: string): string => execFileSync('sh', ['-c', line]).toString();
  expect(there(all.at(-1) ?? '')).toBe(printed);
  const twice = onHost(host, ['sh', '-c', all.at(-1) ?? ''], undefined, SSH);
  expect(there(twice.at(-1) ?? '')).toBe(printed);
});
