import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesOfSize, milliseconds, parseConf, quoteConf } from '../../src/render/conf.ts';
import { primaryConninfo } from '../../src/render/conninfo.ts';
import { parseHba, ruleFor, withBlock } from '../../src/render/hba.ts';
import { syncStandbyNames } from '../../src/render/names.ts';
import { pgpassLine } from '../../src/render/pgpass.ts';
import { matchesVerifier, scramVerifier } from '../../src/secrets/scram.ts';
import { Secret, isRef, sqlIdentifier, sqlLiteral, type Text } from '../../src/tools/words.ts';

/** What we write and read is asked of the one that decides: a server, by its own views and by logging in. */

const BINDIR = process.env['PGREPL_TEST_BINDIR'] ?? newest('/usr/lib/postgresql');
const ROOT = process.getuid?.() === 0;
const HBA = 'local all all trust\nhost all all all reject\nhost replication all all reject\n';
const CLIENT = { ...process.env, PGCLIENTENCODING: 'UTF8', PGCONNECT_TIMEOUT: '5' };

const server = { dir: '', data: '', port: 0 };

function newest(versions: string): string {
  const majors = readdirSync(versions).map(Number).filter(Boolean);
  return join(versions, String(Math.max(...majors)), 'bin');
}

/** Servers refuse root. */
function asOwner(program: string, ...args: string[]): void {
  const argv = [join(BINDIR, program), ...args];
  const [command = '', ...rest] = ROOT ? ['runuser', '-u', 'postgres', '--', ...argv] : argv;
  execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/tmp' });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function psql(input: string, args: readonly string[]): string {
  const argv = ['-XAtq', ...args];
  return execFileSync(join(BINDIR, 'psql'), argv, { input, env: CLIENT, stdio: 'pipe' }).toString();
}

function superuser(): readonly string[] {
  return ['-h', server.dir, '-p', String(server.port), '-U', 'postgres', '-d', 'postgres'];
}

function sql(text: string): string {
  return psql(text, ['-v', 'ON_ERROR_STOP=1', ...superuser()]);
}

/** What each statement printed; a refused one is undefined. */
function each(statements: readonly string[]): readonly (string | undefined)[] {
  const said = psql(statements.map((one) => `${one};\n\\echo :ERROR |`).join('\n'), superuser());
  const parts = said.split('|\n').slice(0, -1);
  return parts.map((part) => (part.endsWith('true ') ? undefined : part.replace(/false $/, '').trim()));
}

function rows<Row>(query: string): readonly Row[] {
  return JSON.parse(sql(`select coalesce(json_agg(r), '[]') from (${query}) r`)) as Row[];
}

/** The data directory is readable by its owner alone, and so is what tests put there. */
function write(name: string, text: string): void {
  const path = join(server.data, name);
  writeFileSync(path, text);
  const { uid, gid } = statSync(server.data);
  chownSync(path, uid, gid);
}

function reload(): void {
  sql('select pg_reload_conf(); select pg_sleep(0.3)');
}

const ODD = fc.oneof(
  fc.string({ unit: fc.constantFrom(...' \'"\\#$%&:,=+@/*()ab\tÄ€😀'), minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
);
const sample = (count: number) =>
  fc.sample(ODD, { numRuns: count, seed: 7 }).filter((text) => !/[\0\r\n]/.test(text));

beforeAll(async () => {
  server.dir = mkdtempSync('/tmp/pgrepl-quoting-');
  server.data = join(server.dir, 'data');
  server.port = await freePort();
  const owner = ROOT ? Number(execFileSync('id', ['-u', 'postgres']).toString()) : -1;
  if (ROOT) chownSync(server.dir, owner, owner);
  asOwner(
    'initdb',
    '-D',
    server.data,
    '--no-sync',
    '-A',
    'trust',
    '-U',
    'postgres',
    '-E',
    'UTF8',
    '--locale=C',
  );
  const settings = { port: String(server.port), unix_socket_directories: server.dir, fsync: 'off' };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoteConf(value)}\n`);
  write('postgresql.conf', readFileSync(join(server.data, 'postgresql.conf'), 'utf8') + lines.join(''));
  write('pg_hba.conf', HBA);
  asOwner('pg_ctl', '-D', server.data, '-l', join(server.dir, 'log'), '-w', 'start');
});

afterAll(() => {
  asOwner('pg_ctl', '-D', server.data, '-m', 'immediate', '-w', 'stop');
  rmSync(server.dir, { recursive: true });
});

describe('postgresql.conf', () => {
  const main = () => readFileSync(join(server.data, 'postgresql.conf'), 'utf8');

  test('a value arrives as it was', () => {
    const values = ["it's", 'a\\b', 'a\nb', 'a\rb', '#', '', '\\', "''", ...sample(300)];
    const before = main();
    write(
      'postgresql.conf',
      before + values.map((value, at) => `pgrepl.v${at} = ${quoteConf(value)}\n`).join(''),
    );
    reload();
    const list = values.map((_, at) => `current_setting('pgrepl.v${at}')`);
    const found = rows<{ value: string }>(`select unnest(array[${list.join(',')}]) as value`);
    write('postgresql.conf', before);
    reload();
    expect(found.map(({ value }) => value)).toEqual(values);
  });

  test('we read a line as the server does', () => {
    const soup = fc.string({ unit: fc.constantFrom(..."aBx019._-+=:/#' \t\r\\eEä"), maxLength: 8 });
    const drawn = fc.sample(
      fc.tuple(fc.constantFrom('', 'x', 'a.B', "x='", 'x = ', 'x 1', 'x=a', "x 'a'"), soup),
      {
        numRuns: 500,
        seed: 7,
      },
    );
    const odd = [
      "x = '\\303\\244\\b\\f\\n\\r\\t\\q\\'\\\\\\1012'",
      "x'y'",
      "x = 'it''s' # c",
      'x 1.5GB',
      'x = a.b',
    ];
    const lines = [...odd, ...drawn.map((parts) => parts.join(''))];
    const before = main();
    // A file each: for this view the server gives up on a file at its first error
    lines.forEach((line, at) => write(`odd${at}.conf`, line));
    write('postgresql.conf', before + lines.map((_, at) => `include 'odd${at}.conf'\n`).join(''));
    const found = rows<{ at: number; line: number; name: string | null; setting: string | null }>(
      `select substring(sourcefile from 'odd(\\d+).conf$')::int as at, sourceline as line, lower(name) as name, setting
         from pg_file_settings where sourcefile ~ 'odd\\d+.conf$'`,
    );
    write('postgresql.conf', before);
    const theirs = lines.map((line, at) => ({
      line,
      read: found.filter((row) => row.at === at).map(shownSetting),
    }));
    expect(lines.map((line) => ({ line, read: ourSettings(line) }))).toEqual(theirs);
    expect(found.filter(({ name }) => name === null).length).toBeGreaterThan(50);
    expect(found.filter(({ name }) => name !== null).length).toBeGreaterThan(50);
  });

  function shownSetting({ name, setting }: { name: string | null; setting: string | null }): string {
    return name === null ? 'error' : `${name}=${setting ?? ''}`;
  }

  function ourSettings(line: string): readonly string[] {
    const { settings, errors } = parseConf(line);
    return [...errors.map(() => 'error'), ...settings.map(shown)];
  }

  function shown({ name, value }: { name: string; value: string }): string {
    return `${name}=${value}`;
  }

  test.each([
    [
      'log_temp_files',
      'kB',
      bytesOfSize,
      [
        '-1',
        '64',
        '1GB',
        '1.5MB',
        '0x40',
        '0100',
        ' 7 kB ',
        '1e2MB',
        '64kb',
        '1536B',
        '512B',
        '511B',
        '1.',
        '.5MB',
        'x',
        '-1kB',
      ],
    ],
    [
      'statement_timeout',
      'ms',
      milliseconds,
      ['0', '90', '1.5min', '500us', '501us', '1500us', '2d', '1h', '0.0009s', '1m', '1 s'],
    ],
  ] as const)('%s means the same', (name, unit, read, values) => {
    const base = read('1', unit) ?? 0;
    const ours = values.map((value) => [value, inBase(read(value, unit), base)]);
    const setting = `select setting from pg_settings where name = '${name}'`;
    const said = each(values.flatMap((value) => [`set ${name} to ${sqlLiteral(value)}`, setting]));
    const theirs = values.map((value, at) => [
      value,
      said[at * 2] === undefined ? undefined : Number(said[at * 2 + 1]),
    ]);
    expect(ours).toEqual(theirs);
  });

  function inBase(size: number | undefined, base: number): number | undefined {
    return size === undefined || size === -1 ? size : size / base;
  }

  test('synchronous_standby_names is refused by both or by none', () => {
    const soup = fc.array(
      fc.constantFrom('any', 'FIRST', '1', '2', '(', ')', ',', ' ', 'a', 'b-', '*', '"', 'ä', '""'),
      { minLength: 1, maxLength: 8 },
    );
    const drawn = fc.sample(
      fc.oneof(
        soup,
        soup.map((some) => ['ANY 1 (', ...some, ')']),
      ),
      { numRuns: 200, seed: 7 },
    );
    const values = [...new Set(drawn.map((parts) => parts.join('')))];
    const said = each(
      values.map((value) => `alter system set synchronous_standby_names = ${sqlLiteral(value)}`),
    );
    sql('alter system reset synchronous_standby_names');
    const ours = values.map((value) => [value, value !== '' && syncStandbyNames(value) === undefined]);
    expect(ours).toEqual(values.map((value, at) => [value, said[at] === undefined]));
    expect(said.filter((word) => word !== undefined).length).toBeGreaterThan(10);
  });
});

describe('pg_hba.conf', () => {
  type Rule = {
    line: number;
    type: string | null;
    databases: string[] | null;
    users: string[] | null;
    method: string | null;
    wrong: boolean;
  };
  const RULES = `select line_number as line, type, database as databases, user_name as users, auth_method as method,
    coalesce(error !~ 'SSL is disabled', false) as wrong from pg_hba_file_rules order by line_number`;

  test('a name arrives as it was', () => {
    const names = ['all', 'replication', '+a', '@a', '#', 'a"b', 'a\\', 'a,b', ...sample(300)].filter(
      (name) => !name.startsWith('/'),
    );
    write(
      'pg_hba.conf',
      withBlock(
        HBA,
        names.map((name) => ruleFor(name, '10.0.0.2')),
      ),
    );
    const found = rows<Rule>(RULES);
    write('pg_hba.conf', HBA);
    expect(found.slice(0, -3).map(({ users }) => users)).toEqual(names.map((name) => [name]));
    expect(found.filter(({ wrong }) => wrong)).toEqual([]);
  });

  test('we read a file as the server does', () => {
    const piece = fc.constantFrom(
      'local',
      'host',
      'hostssl',
      'all',
      'replication',
      '10.0.0.1',
      '10.0.0.1/32',
      '255.0.0.0',
      '::1/128',
      'samenet',
      'trust',
      'md5',
      'peer',
      '"',
      '""',
      '"a b"',
      ',',
      '#',
      '\\',
      '\\\n',
      '\r',
      'x',
      '"#"',
      'Ä',
      '+g',
    );
    const record = fc
      .tuple(
        fc.constantFrom(
          'local all all trust',
          'host all all all md5',
          'local a"b c"""d,e , f trust',
          'host all x 10.0.0.1 255.0.0.0 md5',
        ),
        fc.array(piece, { maxLength: 2 }),
      )
      .map(([line, more]) => [line, ...more].join(' '));
    const soup = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(' '));
    const text = fc.sample(fc.oneof(record, soup), { numRuns: 800, seed: 7 }).join('\n');
    write('pg_hba.conf', text);
    const found = rows<Rule>(RULES);
    write('pg_hba.conf', HBA);
    const { records, errors } = parseHba(text);
    const ours = records.map(({ line, type, databases, users, method }) => ({
      line,
      type: type.replace(/gssenc|nogssenc/, ''),
      databases: databases.map((token) => token.text),
      users: users.map((token) => token.text),
      method,
    }));
    expect(ours).toEqual(found.filter(({ wrong }) => !wrong).map(({ wrong: _, ...rule }) => rule));
    expect(errors.map(({ line }) => line)).toEqual(
      found.filter(({ wrong }) => wrong).map(({ line }) => line),
    );
    expect(Math.min(ours.length, errors.length)).toBeGreaterThan(100);
  });
});

const PASSWORDS = [
  'pencil',
  'se cret',
  "it's",
  'a"b',
  'a\\b',
  '\\',
  'a:b:',
  '#a',
  '$x%y&z',
  '*',
  'größe',
  'a\u00a0\u00adb',
  '\u2168\ufb01',
  '\u2168\u{1f600}',
  '\u05d0\u2168',
  '\u2168\u0221',
];
const ROLES = [
  'replicator',
  'we ird',
  "o'role",
  'a"b',
  'a\\b',
  'a\\',
  'a:b',
  '#a',
  '$x%y&z',
  '*',
  'größe',
  'all',
  'replication',
  '+all',
  '@all',
  ' a,b ',
];

describe('passwords', () => {
  test('let roles in by rule, conninfo, password file and verifier', () => {
    const roles = ROLES.map((role, at) => ({ role, password: new Secret(PASSWORDS[at] ?? '') }));
    const made = roles.map(
      ({ role, password }) =>
        `create role ${sqlIdentifier(role)} login replication password ${sqlLiteral(scramVerifier(password, Buffer.from(role)).reveal())};`,
    );
    sql(made.join('\n'));
    write(
      'pg_hba.conf',
      withBlock(
        HBA,
        ROLES.map((role) => ruleFor(role, '127.0.0.1')),
      ),
    );
    reload();
    const passfile = join(server.dir, "pass 'file\\");
    const { port } = server;
    const lines = roles.map(({ role, password }) =>
      plain(pgpassLine({ host: '127.0.0.1', port, database: 'replication', user: role, password })),
    );
    writeFileSync(passfile, lines.join(''));
    chmodSync(passfile, 0o600);
    // As a walreceiver asks: libpqrcv_connect() in libpqwalreceiver.c
    const extra = { dbname: 'replication', replication: 'true' };
    for (const role of ROLES) {
      const wanted = { host: '127.0.0.1', port, role, applicationName: role, passfile, extra };
      expect(psql('', ['-w', '-d', primaryConninfo(wanted), '-c', 'IDENTIFY_SYSTEM']), role).toMatch(
        /^\d+\|1\|/,
      );
    }
  });

  test('are hashed as the server hashes them', () => {
    const unit = fc.constantFrom(
      ...'a1 \u00a0\u00ad\u200b\u2168\ufb01\u0308u\u05d0\u0221\u0080\ufe76\u0340\u{1f600}\u3000\uac00\u1100\u1161\u212b\u{1d400}',
    );
    const drawn = fc.sample(fc.string({ unit, minLength: 1, maxLength: 6 }), { numRuns: 150, seed: 7 });
    const made = drawn.map((password, at) => `create role p${at} password ${sqlLiteral(password)};`);
    sql(`set password_encryption = 'scram-sha-256';\n${made.join('\n')}`);
    const found = rows<{ verifier: string }>(
      "select rolpassword as verifier from pg_authid where rolname ~ '^p\\d' order by substr(rolname, 2)::int",
    );
    const wrong = drawn.filter(
      (password, at) => !matchesVerifier(new Secret(password), found[at]?.verifier ?? ''),
    );
    expect(wrong).toEqual([]);
  });
});

function plain(text: Text): string {
  return text.map((part) => (part instanceof Secret ? part.reveal() : isRef(part) ? '' : part)).join('');
}
