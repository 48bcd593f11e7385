import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner, program } from './support/machine.ts';
import { configure, socketOf, sql } from './support/server.ts';
import { endsWith } from './support/swapping.ts';
import { fleet } from './support/trio.ts';
import { Writer, prepareWriter } from './support/writer.ts';

const stage = fleet(['pg2']);
let writer: Writer;

/** What is set for the superuser's role; the tests' own questions are asked in its sessions too, so it is taken back. */
const ODD = {
  statement_timeout: '1',
  lock_timeout: '1',
  search_path: 'public, pg_catalog',
  DateStyle: 'German, DMY',
  TimeZone: "'Asia/Kolkata'",
  client_min_messages: 'debug5',
  default_transaction_read_only: 'on',
  standard_conforming_strings: 'off',
  bytea_output: 'escape',
  IntervalStyle: 'iso_8601',
};

/** An aggregate that fits json better than pg_catalog's, which takes anyelement: it runs as whoever asks. */
const TRAP = `SET search_path = pg_catalog; GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE ROLE eve; SET ROLE eve;
CREATE FUNCTION public.trap(json, json) RETURNS json LANGUAGE plpgsql AS $$ BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT pg_is_in_recovery() THEN ALTER ROLE eve SUPERUSER; END IF;
  RETURN '[]'; END $$;
CREATE AGGREGATE public.json_agg(json) (sfunc = public.trap, stype = json);
CREATE FUNCTION public.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true';`;

beforeAll(async () => {
  await stage.make();
  prepareWriter(stage.data('pg1'));
  writer = await new Writer(['pg1', 'pg2'].map((name) => stage.port(name))).start();
  sql(stage.data('pg1'), TRAP);
  for (const name of ['pg1', 'pg2']) {
    configure(stage.data(name), { default_transaction_isolation: 'serializable' });
    sql(stage.data(name), 'SET default_transaction_isolation = DEFAULT; SELECT pg_reload_conf();');
  }
  const settings = Object.entries(ODD).map(
    ([name, value]) => `ALTER ROLE CURRENT_USER SET ${name} = ${value};`,
  );
  sql(stage.data('pg1'), `BEGIN; ${settings.join(' ')} COMMIT;`);
});
afterAll(async () => writer.stop());

/** In a session for which the role's settings do not hold. */
function plainly(text: string): string {
  const { port, socketDir } = socketOf(stage.data('pg2'));
  const words = [
    program('psql'),
    '-XAtqw',
    '-h',
    socketDir,
    '-p',
    String(port),
    '-d',
    'postgres',
    '-c',
    text,
  ];
  const options = 'PGOPTIONS=-c statement_timeout=0 -c search_path=pg_catalog -c client_min_messages=error';
  return asOwner(['env', options, ...words]).trim();
}

test('what is set for the superuser, its databases or the servers is not in our way, and nobody acts as us', async () => {
  for (const words of [['status'], ['verify', '--deep'], ['doctor'], ['slot', 'list']])
    endsWith(await stage.run(...words), 0);
  endsWith(await stage.run('switchover', 'pg2'), 0);
  await writer.acknowledges(3);
  expect(plainly("SELECT rolsuper FROM pg_roles WHERE rolname = 'eve'")).toBe('f');
  expect(writer.missing(plainly('SELECT n FROM public.written'))).toEqual([]);
});
