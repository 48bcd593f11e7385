import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';

/** Command lines and files that are wrong: status 2, every mistake, nothing touched. */

const dir = scratch();
const pgdata = join(dir, 'data');
const open = join(dir, 'open');
writeFileSync(open, 'secret');
chmodSync(open, 0o644);
writeFileSync(join(dir, 'empty'), '\n', { mode: 0o600 });
writeFileSync(join(dir, 'good'), 'secret\n', { mode: 0o600 });
writeFileSync(
  join(dir, 'wrong.yaml'),
  'cluster: shop\nreplication: { role: pg_mine }\nnodes:\n  pg1: { pgdata: data, port: 70000 }\n  pg2: { pgdata: /d, upstream: pg9 }\n',
);
writeFileSync(
  join(dir, 'right.yaml'),
  'cluster: shop\nnodes:\n  pg1: { pgdata: /nix/pg1 }\n  pg2: { pgdata: /nix/pg2, upstream: pg1, port: 5433 }\n',
);
writeFileSync(join(dir, 'nul.yaml'), 'ELF\0\n');
const before = readdirSync(dir);

const WRONG: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['no server', [], ['no server is named', '--pgdata DIR']],
  ['a name without a file', ['pg1'], ["pg1: a node's name needs a cluster file"]],
  [
    'every value of an option',
    ['-D', pgdata, '-p', '99999', '--timeout', '0', '--dry-run=yaml'],
    ['--port 99999: is no', '--timeout 0: is no', '--dry-run yaml: is none of text, json, sh'],
  ],
  [
    'every address, the role and the password',
    [
      '-D',
      pgdata,
      '--allow',
      'a b',
      '--allow',
      '10.0.0.0/44',
      '--replication-role',
      'pg_x',
      '--password-file',
      `${dir}/none`,
    ],
    [
      '--allow a b: is no address',
      '--allow 10.0.0.0/44',
      '--replication-role pg_x: must',
      'there is no such file',
    ],
  ],
  ['a host and an address', ['-D', pgdata, '--on', 'ftp://x', '--allow', '-'], ['--on ftp://x', '--allow -']],
  [
    'a password for all to read',
    ['-D', pgdata, '--password-file', open],
    [`${open} may be read by others`, `chmod 600 ${open}`],
  ],
  [
    'no password in the file',
    ['-D', pgdata, '--password-file', join(dir, 'empty')],
    ['the password is empty'],
  ],
  ['a directory as a password', ['-D', pgdata, '--password-file', dir], ['is not a file']],
  [
    'every line of a cluster file',
    ['pg1', '-c', join(dir, 'wrong.yaml')],
    ['replication.role', 'begin with pg_', 'pg1: pgdata', 'pg1: port', 'pg9'],
  ],
  [
    'a role that pg_hba.conf cannot name',
    ['-D', pgdata, '--replication-role', '/x'],
    ['must not begin with a slash'],
  ],
  [
    'an option that is not there',
    ['-D', pgdata, '--pasword-file', 'x'],
    ["unknown option '--pasword-file'", 'Did you mean --password-file?'],
  ],
  [
    'every option that is not there',
    ['-D', pgdata, '--bogus', '1', '--pasword-file=x'],
    ["unknown option '--bogus'", "unknown option '--pasword-file'", 'Did you mean --password-file?'],
  ],
  ['a program as a cluster file', ['pg1', '-c', join(dir, 'nul.yaml')], ['is no text and no cluster file']],
  ['two nodes', ['pg1', 'pg2'], ['too many arguments']],
  ['a relative directory for WAL', ['-D', pgdata, '--waldir', 'wal'], ['--waldir: must be an absolute path']],
];

test.each(WRONG)('%s', async (_, words, said) => {
  const options = { cwd: dir };
  const text = await pgrepl(['init-primary', ...words], options);
  expect({ code: text.code, stdout: text.stdout }).toEqual({ code: 2, stdout: '' });
  for (const part of said) expect(text.stderr).toContain(part);
  const { code, ...told } = await pgrepl(['init-primary', ...words, '--json'], options);
  expect(code).toBe(2);
  expect(told.json()).toMatchObject({
    command: 'init-primary',
    outcome: 'refused',
    status: 2,
    changed: false,
  });
  expect(readdirSync(dir)).toEqual(before);
});

const file = ['-c', join(dir, 'right.yaml')];

/** Flags that would do nothing, seen on the command line already. */
const USELESS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['a name beside a name', ['clone-standby', 'pg2', ...file, '--name', 'x'], ['--name has no effect']],
  [
    "a server's flags beside all servers",
    ['status', ...file, '-D', '/x', '-p', '1', '--on', 'local', '--bindir', '/b', '--name', 'x'],
    ['--pgdata has', '--port has', '--on has', '--bindir has', '--name has'],
  ],
  [
    'a directory beside a Debian name',
    ['init-primary', '17/main', '-D', '/x'],
    ['--pgdata /x has no effect: 17/main says already'],
  ],
  [
    'others, where one server is named',
    ['promote', '-D', pgdata, '--accept-loss', '1', '--replication-role', 'r', '--password-file', 'f'],
    ['--accept-loss has no effect', '--replication-role has', '--password-file has'],
  ],
  [
    'a script and a document',
    ['init-primary', '-D', pgdata, '--dry-run=sh', '--json'],
    ['--json and --dry-run=sh exclude each other'],
  ],
  ['frames and a document', ['status', ...file, '--watch', '--json'], ['--json and --watch exclude']],
  [
    'a host for a text',
    ['render', 'pg_hba.conf', ...file, '--on', 'local', '--bindir', '/b', '--timeout', '3'],
    ['--on has no effect on pg_hba.conf', '--bindir has', '--timeout has'],
  ],
  [
    'a rate that is none',
    ['clone-standby', 'pg2', ...file, '--max-rate', '5G'],
    ['--max-rate 5G: is no rate from 32k to 1024M'],
  ],
  [
    'a rate that is too low',
    ['clone-standby', 'pg2', ...file, '--max-rate', '31'],
    ['--max-rate 31: is no rate'],
  ],
];

test.each(USELESS)('useless: %s', async (_, words, said) => {
  const { code, stdout, stderr } = await pgrepl(words, { cwd: dir });
  expect(code).toBe(2);
  for (const part of said) expect(`${stdout}${stderr}`).toContain(part);
});

/** Command lines with mistakes of several kinds, and all that is said of each. */
const ALL: readonly (readonly [readonly string[], readonly (string | readonly [string, string])[]])[] = [
  [
    ['clone-standby', '-D', '/x', '--fro', 'a b', '--port', '99999', 'pg9', 'pg2', '--max-rate=9G'],
    [
      ["unknown option '--fro'", 'Did you mean --from?'],
      ["clone-standby: too many arguments: 'pg2'", 'It is pgrepl clone-standby [node], and options.'],
      '--port 99999: is no whole number from 1 to 65535',
      "pg9: a node's name needs a cluster file, and there is none",
      '--max-rate 9G: is no rate from 32k to 1024M',
    ],
  ],
  [
    ['clone-standby', '-D', '/x', '--port', '0', '--slot', 'A', '--waldir', 'w', '-T', 'a'],
    [
      '--port 0: is no whole number from 1 to 65535',
      "--slot A: a slot's name has lower-case letters, digits and underscores, 63 at most",
      ['HOST: what is it to be a standby of?', 'Name the primary with --from HOST[:PORT].'],
      '--tablespace-mapping a: is not OLD=NEW with two absolute paths',
      '--waldir: must be an absolute path, and "w" is none',
    ],
  ],
  // The word behind an option that nobody knows may be its value: what depends on it is not said.
  [
    ['promote', '--bogus', 'pg2', '--accept-loss', '-1', '--por=5'],
    [
      "unknown option '--bogus'",
      ["unknown option '--por'", 'Did you mean --port?'],
      '--accept-loss -1: is no whole number from 0 to 9007199254740991',
    ],
  ],
  // What is wrong either way is told.
  [
    ['clone-standby', '--bogus', 'pg2', ...file, '--max-rate', '5G', '-T', 'a', '--port', '0'],
    [
      "unknown option '--bogus'",
      '--port 0: is no whole number from 1 to 65535',
      '--tablespace-mapping a: is not OLD=NEW with two absolute paths',
      '--max-rate 5G: is no rate from 32k to 1024M',
    ],
  ],
  [
    ['status', '--bogus', 'x', ...file, '-D', '/x'],
    ["unknown option '--bogus'", '--pgdata has no effect: the servers are those of FILE'],
  ],
  [
    ['render', '--bogus', 'pg_hba.conf', '--on', 'ftp://x', '--pg-version', '3'],
    [
      "unknown option '--bogus'",
      '--pg-version 3: is no whole number from 10 to 99',
      'pg_hba.conf: no address is to be let in',
      '--on has no effect on pg_hba.conf',
    ],
  ],
  [
    ['follow', 'pg3', ...file, '--upstrem', 'pg9', '--replication-role', '/x'],
    [
      ["unknown option '--upstrem'", 'Did you mean --upstream?'],
      '--replication-role /x: must not begin with a slash, which pg_hba.conf takes for a pattern',
      ['there is no node pg3 in FILE', 'Did you mean pg1?'],
    ],
  ],
  [
    ['follow', 'pg2', ...file, '--password-file', '/none/such', '--upstream'],
    ["option '--upstream <upstream>' argument missing"],
  ],
  [
    ['rejoin', '-D', '/x', '--allow-reclon', '--timeout=0'],
    [
      ["unknown option '--allow-reclon'", 'Did you mean --allow-reclone?'],
      '--timeout 0: is no whole number from 1 to 86400',
      'which upstream is meant: --upstream is missing',
      '--allow-reclone has no effect without a cluster file',
    ],
  ],
  [
    ['slot', 'create', '--nam', 'x', '--dry-run=xml'],
    [
      ["unknown option '--nam'", 'Did you mean --name?'],
      '--dry-run xml: is none of text, json, sh',
      'slot create: the name of a slot is missing',
      'no server is named',
    ],
  ],
  [
    ['render', '--pg-version', '3', '--alow', '1.2.3.4'],
    [
      ["unknown option '--alow'", 'Did you mean --allow?'],
      'render: file is missing',
      '--pg-version 3: is no whole number from 10 to 99',
    ],
  ],
  [
    ['status', 'pg1', '--wach', '7200', '--on', 'ftp://x'],
    [
      ["unknown option '--wach'", 'Did you mean --watch?'],
      "status: too many arguments: 'pg1'",
      '--watch 7200: is no whole number from 1 to 3600',
      '--on ftp://x: "ftp://x" is not a host',
      'no cluster is named',
    ],
  ],
  [['statsu', '--bogus'], [["unknown command 'statsu'", 'Did you mean status?']]],
];

test.each(ALL)('all of %j', async (words, said) => {
  const shown = (text: string): string =>
    text.replace(hostname().split('.')[0] ?? '', 'HOST').replace(join(dir, 'right.yaml'), 'FILE');
  const told = said.map((each) => (typeof each === 'string' ? each : each[0]));
  const behindVerb = words[0] === 'slot' ? 2 : 1;
  const { code, json } = await pgrepl(words.toSpliced(behindVerb, 0, '--json'), { cwd: dir });
  expect(code).toBe(2);
  const { error, outcome } = json();
  const problems = error?.problems ?? [];
  expect({ outcome, told: problems.map(({ message }) => shown(message)) }).toEqual({
    outcome: 'refused',
    told,
  });
  for (const each of said)
    if (typeof each !== 'string')
      expect(problems.map(({ message, hint }) => [shown(message), hint])).toContainEqual(each);
  const text = await pgrepl(words, { cwd: dir });
  expect(text.code).toBe(2);
  expect([...text.stderr.matchAll(/^error: (.*)$/gm)].map(([, message = '']) => shown(message))).toEqual(
    told,
  );
});

const AWAY: readonly (readonly [string, string, string])[] = [
  ['a host that is not there', 'ssh://nobody@pgrepl-test.invalid', 'pgrepl-test.invalid'],
  ['a host where nobody listens', 'ssh://127.0.0.1:9', 'refused'],
  ['a container that is not there', 'docker://pgrepl-none', 'docker'],
];

test.each(AWAY)('%s is status 4', async (_, on, said) => {
  const words = ['init-primary', '-D', '/pg/data', '--on', on, '--password-file', join(dir, 'good')];
  const { code, stderr } = await pgrepl([...words, '--check']);
  expect(code).toBe(4);
  expect(stderr).toContain(said);
});
