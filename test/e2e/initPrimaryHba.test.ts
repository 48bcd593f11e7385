import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort, program, withoutPg } from './support/machine.ts';
import { pgrepl } from './support/pgrepl.ts';
import { scratch } from './support/scratch.ts';
import { newServer, passwordFile, sql, writeAsOwner } from './support/server.ts';

/** Whatever pg_hba.conf says before: our rule decides for our role, and for nobody else. Asked by logging in. */

const PASSWORD = `it's a "pass\\word" $HOME #1 %41 & ü`;
const ROLE = 'replicator';

type Login = { user?: string; password?: string; address?: string; database?: string };

const dir = scratch();
const pgdata = join(dir, 'data');
let port = 0;

beforeAll(async () => {
  port = await freePort();
  newServer(pgdata, port, {
    listen_addresses: '*',
    wal_log_hints: 'on',
    wal_keep_size: '64MB',
    max_slot_wal_keep_size: '1GB',
  });
  sql(pgdata, "CREATE ROLE somebody LOGIN REPLICATION PASSWORD 'else';");
});

/** A replication connection as a standby makes it, or one to a database as pg_rewind does. */
function login({ user = ROLE, password = PASSWORD, address = '127.0.0.1', database }: Login): string {
  const to = database === undefined ? 'replication=true' : `dbname=${database}`;
  const conninfo = `host=${address} port=${port} user=${user} ${to} connect_timeout=5`;
  const query = database === undefined ? 'IDENTIFY_SYSTEM' : 'SELECT 1';
  const env = { ...withoutPg(), PGPASSWORD: password };
  const { status, stderr } = spawnSync(program('psql'), ['-XAtqw', '-d', conninfo, '-c', query], {
    env,
    encoding: 'utf8',
  });
  return status === 0
    ? 'in'
    : (/(no pg_hba.conf entry|pg_hba.conf rejects|password authentication failed|Ident|trust)/.exec(
        stderr,
      )?.[1] ?? stderr);
}

async function initPrimary(...allow: readonly string[]): Promise<void> {
  const words = [
    '-D',
    pgdata,
    '--password-file',
    passwordFile(dir, PASSWORD),
    ...allow.flatMap((each) => ['--allow', each]),
  ];
  const made = await pgrepl(['init-primary', ...words]);
  expect(made).toMatchObject({ code: 0 });
  const again = await pgrepl(['init-primary', ...words, '--check']);
  expect(again).toMatchObject({ code: 0 });
}

function rulesAre(text: string): void {
  writeAsOwner(join(pgdata, 'pg_hba.conf'), text);
  sql(pgdata, 'SELECT pg_reload_conf();');
}

const local = 'local all all peer\n';
const BEFORE: readonly (readonly [string, string])[] = [
  ['rejects all replication', `${local}host replication all all reject\nhost all all all scram-sha-256\n`],
  ['rejects by network, with a mask', `${local}host replication,all all 127.0.0.0 255.0.0.0 reject\n`],
  ['trusts our network', `${local}host replication all 127.0.0.1/32 trust\n`],
  ['asks ident of all', `host all,replication all all ident\n${local}`],
  ['has no rule for anybody', `${local}`],
  ['has no line end and continues', `${local}host replication "replicator", \\\n  somebody all reject # end`],
  ['is for a file of users', `${local}host replication @standbys all reject\n`],
  [
    'holds our old block below a new reject',
    `host replication all all reject\n${local}# BEGIN pgrepl: x\nhost  replication  replicator  127.0.0.1/32  scram-sha-256\n# END pgrepl\n`,
  ],
];

describe('where pg_hba.conf', () => {
  test.each(BEFORE)('%s, our role gets in', async (_, before) => {
    writeAsOwner(join(pgdata, 'standbys'), 'replicator\nsomebody\n');
    rulesAre(before);
    await initPrimary('127.0.0.1');
    expect(login({})).toBe('in');
    expect(login({ database: 'postgres' })).toBe('in');
    expect(login({ password: 'wrong' })).toBe('password authentication failed');
    expect(login({ address: '::1' })).not.toBe('in');
    if (!before.includes('trust')) expect(login({ user: 'somebody', password: 'else' })).not.toBe('in');
    const text = readFileSync(join(pgdata, 'pg_hba.conf'), 'utf8');
    for (const line of before.split('\n').filter((each) => !/pgrepl|^host {2}replication/.test(each)))
      expect(text).toContain(line);
  });

  test('IPv6, a network and a name get in', async () => {
    rulesAre(`${local}host replication all all reject\n`);
    await initPrimary('::1', '127.0.0.0/8', 'localhost');
    expect(login({ address: '::1' })).toBe('in');
    expect(login({ address: '127.0.0.9' })).toBe('in');
  });
});
