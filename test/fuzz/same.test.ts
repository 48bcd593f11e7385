import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { bytesOf, parseLsn } from '../../src/facts/lsn.ts';
import { bytesOfSize, milliseconds } from '../../src/render/conf.ts';
import { freePort, program } from '../e2e/support/machine.ts';
import { scratch } from '../e2e/support/scratch.ts';
import { newServer, sql } from '../e2e/support/server.ts';
import * as inputs from './support/inputs.ts';
import { compareConninfo, compareLogin, comparePgpass } from './support/sameLibpq.ts';
import { compareConf, compareHba, differences } from './support/same.ts';
import { compareHistory, newServerOfTimeline } from './support/sameHistory.ts';
import { each, tellable } from './support/oracle.ts';
import { LIMIT, RUNS, sameAnswers, type Difference } from './support/runs.ts';

const dir = scratch();
const pgdata = join(dir, 'data');

beforeAll(async () => {
  if (OTHER) return;
  newServer(pgdata, await freePort(), { include_if_exists: 'fuzz.conf' });
  sql(pgdata, 'CREATE EXTENSION dblink;');
  sql(pgdata, 'CREATE PUBLICATION fuzz;');
  sql(pgdata, "CREATE SUBSCRIPTION fuzz CONNECTION '' PUBLICATION fuzz WITH (connect = false);");
});

/** The one that Debian 12 has and CI runs: others have other rules in places, such as pg_hba.conf from 16 on. */
const OTHER = !execFileSync(program('postgres'), ['--version']).toString().includes(' 15.');
if (OTHER) console.error('fuzz: the parsers of PostgreSQL 15 are not asked: another one is installed');

describe.skipIf(OTHER)('a history file', { timeout: LIMIT }, () => {
  const ofTimeline = join(dir, 'timeline');
  beforeAll(async () => newServerOfTimeline(ofTimeline, await freePort()), 60_000);

  test('where each timeline was left, or a refusal: a walsender', () =>
    sameAnswers(
      fc.oneof(inputs.HISTORY, inputs.HISTORY_LINES),
      async (texts) => compareHistory(ofTimeline, texts.filter(tellable)),
      RUNS / 10,
    ));
});

describe.skipIf(OTHER)("PostgreSQL's own parsers give the same answer", { timeout: LIMIT }, () => {
  test('postgresql.conf: pg_file_settings', () =>
    sameAnswers(inputs.CONF, (texts) => compareConf(pgdata, texts)));

  test('pg_hba.conf: pg_hba_file_rules', () => sameAnswers(inputs.HBA, (texts) => compareHba(pgdata, texts)));

  test('an LSN: pg_lsn', () =>
    sameAnswers(inputs.LSN, (texts) =>
      byText(
        texts,
        `BEGIN RETURN t::pg_lsn - '0/0'::pg_lsn; EXCEPTION WHEN OTHERS THEN RETURN NULL; END`,
        (text) => {
          const lsn = parseLsn(text);
          return lsn === undefined ? undefined : String(bytesOf(lsn));
        },
      ),
    ));

  test('a conninfo is taken, or not: a subscription of it', () =>
    sameAnswers(fc.oneof(inputs.PAIRS, inputs.URI), (texts) => compareConninfo(pgdata, texts)));

  test('a conninfo: what libpq logs in with', () =>
    sameAnswers(inputs.PAIRS, (texts) => compareLogin(pgdata, texts), RUNS / 4));

  test('a password file: what libpq logs in with', () =>
    sameAnswers(inputs.PGPASS, (texts) => comparePgpass(pgdata, texts), RUNS / 4));

  test('a size: a setting in kB', () =>
    sameAnswers(inputs.AMOUNT, (texts) =>
      byText(texts, amountOf('temp_file_limit', `pg_size_bytes(v)`), (text) =>
        inRange(bytesOfSize(text, 'kB'), 1024),
      ),
    ));

  test('a time: a setting in ms', () =>
    sameAnswers(inputs.AMOUNT, (texts) =>
      byText(
        texts,
        amountOf('log_min_duration_statement', `(extract(epoch FROM v::interval) * 1000)::bigint`),
        (text) => inRange(milliseconds(text, 'ms'), 1),
      ),
    ));
});

async function byText(
  texts: readonly string[],
  body: string,
  ours: (text: string) => string | undefined,
): Promise<readonly Difference<string>[]> {
  const told = texts.filter(tellable);
  const theirs = await each(pgdata, body, told);
  return differences(told, (text, at) => [ours(text) ?? null, theirs[at] ?? null]);
}

function amountOf(setting: string, plain: string): string {
  return `DECLARE v text;
  BEGIN
    PERFORM set_config('${setting}', t, false);
    v := current_setting('${setting}');
    RETURN CASE WHEN v = '-1' THEN -1 ELSE ${plain} END;
  EXCEPTION WHEN OTHERS THEN RETURN NULL;
  END`;
}

/** Both settings go from -1 to INT_MAX. */
function inRange(amount: number | undefined, unit: number): string | undefined {
  if (amount === undefined || amount < -1 || amount / unit > 2 ** 31 - 1) return undefined;
  return String(amount);
}
