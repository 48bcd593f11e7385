import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { whoHas } from '../../src/render/conninfo-keys.ts';
import { flock, streaming } from './support/flock.ts';
import { program, waitFor } from './support/machine.ts';
import { serverLog, setting, sql, startServer, stopServer } from './support/server.ts';

/** A key of primary_conninfo that the server's libpq does not have: its receiver never comes up. */

/** Of a libpq that nobody has yet, so that it is unknown wherever this runs. */
const KEY = 'load_balance_hosts_anew';

describe('a connection that libpq does not take', async () => {
  const cluster = await flock({ a: undefined, b: 'a', c: 'a' });
  const { pgdata, document } = cluster;
  const before = setting(pgdata('c'), 'primary_conninfo');
  const set = (value: string): string =>
    sql(
      pgdata('c'),
      `ALTER SYSTEM SET primary_conninfo = '${value.replaceAll("'", "''")}'; SELECT pg_reload_conf();`,
    );
  const slots = (name: string) => sql(pgdata(name), 'SELECT slot_name FROM pg_replication_slots ORDER BY 1;');

  const refused = async (words: readonly string[]): Promise<void> => {
    const began = performance.now();
    const document_ = await document(words);
    expect(document_).toMatchObject({ status: 3, outcome: 'refused', changed: false });
    expect(document_.refusals).toEqual([
      {
        message: expect.stringMatching(
          new RegExp(
            `^c: primary_conninfo \\(\\S+/postgresql.auto.conf line \\d+\\) has ${KEY}, which no libpq up to 18 has, and that of this host, beside PostgreSQL \\d+, does not take it$`,
          ),
        ) as string,
        hint: `Take ${KEY} out of primary_conninfo, or install a libpq that has it, then run this again.`,
      },
    ]);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect([slots('a'), slots('b')]).toEqual(['b\nc', '']);
  };

  test('is what is in the way', async () => {
    set(`${before} ${KEY}=random`);
    await waitFor(() => serverLog(pgdata('c')).includes(`invalid connection option "${KEY}"`), {
      what: 'the receiver of c fails',
    });
  });

  test.each([
    [['follow', 'c', '--upstream', 'b']],
    [['follow', 'c', '--upstream', 'a']],
    [['clone-standby', 'c']],
    [['switchover', 'b']],
  ])('is refused before anything is changed: %j', refused);

  test('is refused of a server that does not run', async () => {
    stopServer(pgdata('c'));
    await refused(['rejoin', 'c']);
    await refused(['clone-standby', 'c']);
    startServer(pgdata('c'));
  });

  test('is in nobody’s way who has no such connection', async () => {
    expect(await document(['switchover', 'b', '--check'])).toMatchObject({ status: 3 });
    expect(await document(['follow', 'b', '--upstream', 'a'])).toMatchObject({ outcome: 'unchanged' });
  });

  test('without the key it follows', async () => {
    set(before);
    expect(await document(['follow', 'c', '--upstream', 'b'])).toMatchObject({ outcome: 'done' });
    expect(streaming(pgdata('b'), 'c')).toBe(true);
  });
});

const KEYS = ['gssencmode', 'channel_binding', 'sslpassword', 'sslcrldir', 'sslsni', 'gssdelegation', 'tty']
  .concat(['load_balance_hosts', 'require_auth', 'sslcertmode', 'sslnegotiation', 'max_protocol_version'])
  .concat(['min_protocol_version', 'sslkeylogfile', 'oauth_issuer', 'scram_client_key', 'authtype']);

test('the libpq that is here has the keys of one of its majors', () => {
  const known = KEYS.filter((key) => {
    const words = ['-Xw', '-d', `host=/dev/null ${key}=''`, '-c', ''];
    return !spawnSync(program('psql'), words, { encoding: 'utf8' }).stderr.includes(`"${key}"`);
  });
  const ofMajor = (major: number): readonly string[] =>
    KEYS.filter((key) => {
      const [, way, boundary] = /(from|up to) PostgreSQL (\d+)/.exec(whoHas(key)) ?? [];
      return way === 'from' ? major >= Number(boundary) : major <= Number(boundary);
    });
  expect([10, 11, 12, 13, 14, 15, 16, 17, 18].map(ofMajor)).toContainEqual(known);
});
