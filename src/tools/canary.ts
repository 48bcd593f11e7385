import type { ServerVersion } from '../cluster/version.ts';
import { psql, type Socket } from './psql.ts';
import { script } from './shell.ts';

/** What they print: READY on stderr; on stdout ANSWER, and WRITTEN with the position where it went well. */
export const READY = 'pgrepl-ready';
export const ANSWER = 'pgrepl-canary ';
export const WRITTEN = `${ANSWER}written`;

const TABLE = 'pgrepl_verify';

/**
 * One session on the primary that lasts as long as its stdin: it writes a row into a table of its own, and when its
 * stdin ends, because we are done or gone, it drops the table. A table that a dead host left behind is dropped first;
 * the lock makes sure that it is not that of another pgrepl at work.
 */
const WRITE_AND_DROP = String.raw`before=$1 after=$2; shift 2
{ printf '%s\n' "$before"; cat >/dev/null; printf '%s\n' "$after"; } | { "$@" || echo 'pgrepl-canary failed'; }`;

export function writeCanary(at: Socket, token: string): readonly string[] {
  const name = `public.${TABLE}_${token}`;
  const before = `SET lock_timeout = '10s';
SELECT set_config('idle_session_timeout', '0', false) FROM pg_settings WHERE name = 'idle_session_timeout' \\g /dev/null
SELECT pg_advisory_lock(hashtext('${TABLE}')) \\g /dev/null
SELECT format('DROP TABLE IF EXISTS public.%I', relname) FROM pg_class
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^${TABLE}_[0-9a-f]{16}$' \\gexec
BEGIN;
CREATE TABLE ${name} (token text NOT NULL);
INSERT INTO ${name} VALUES ('${token}');
COMMIT;
SELECT '${WRITTEN} ' || pg_current_wal_lsn();`;
  return script(WRITE_AND_DROP, 'canary', before, `DROP TABLE IF EXISTS ${name};`, ...psql(at));
}

/** Where questions are asked, and of which version: PL/pgSQL ends transactions from 11 on. */
export type Asked = Socket & { version: ServerVersion };
const COMMIT_IN_LOOP = 110000 as ServerVersion;

/** Asks a standby every two milliseconds for the row; pg_class first, since the table may not have arrived yet. */
export function readCanary(at: Asked, token: string, seconds: number): readonly string[] {
  const name = `public.${TABLE}_${token}`;
  const there = `EXISTS (SELECT FROM pg_class WHERE relname = '${TABLE}_${token}')`;
  return poll(
    at,
    seconds,
    there,
    `EXECUTE 'SELECT token FROM ${name}' INTO STRICT found; EXIT WHEN found = '${token}';`,
  );
}

/** Asks a server until a condition holds: how far a standby is that cannot be read from. */
export function untilTrue(at: Asked, condition: string, seconds: number): readonly string[] {
  return poll(at, seconds, condition, 'EXIT;');
}

/**
 * One statement that asks again and again, each time in a transaction of its own: a snapshot or a lock that is kept
 * would hold up the replay of whatever conflicts with it, up to max_standby_streaming_delay, and so the row itself.
 */
function poll(at: Asked, seconds: number, condition: string, then: string): readonly string[] {
  const loop = `DO $$ DECLARE found text; BEGIN
RAISE NOTICE '${READY}';
LOOP
  IF ${condition} THEN ${then} END IF;
  IF clock_timestamp() > statement_timestamp() + interval '${seconds} seconds' THEN RAISE EXCEPTION 'not seen within ${seconds} s'; END IF;
  ${at.version >= COMMIT_IN_LOOP ? 'COMMIT;' : ''}
  PERFORM pg_sleep(0.002);
END LOOP; END $$`;
  return [...psql(at), '-c', 'SET client_min_messages = notice', '-c', loop];
}
