import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHost } from '../../src/cluster/host.ts';
import { parseCluster } from '../../src/cluster/parse.ts';
import { parseControlData } from '../../src/facts/controldata.ts';
import { bytesOf, parseLsn } from '../../src/facts/lsn.ts';
import { endpoints } from '../../src/facts/upstream.ts';
import { forkOf } from '../../src/plan/divergence.ts';
import { parseHistory } from '../../src/plan/history.ts';
import {
  bytesOfSize,
  milliseconds,
  parseConf,
  quoteConf,
  withInclude,
  withSettings,
} from '../../src/render/conf.ts';
import { conninfo, parseConninfo } from '../../src/render/conninfo.ts';
import { parseHba, withBlock } from '../../src/render/hba.ts';
import { syncStandbyNames } from '../../src/render/names.ts';
import { parsePgpass } from '../../src/render/pgpass.ts';
import * as inputs from './support/inputs.ts';
import { CONTROL } from './support/control.ts';
import { LIMIT, survives } from './support/runs.ts';

const ANY = fc.string({ unit: 'binary', maxLength: 200 });
const or = (own: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: own }, { weight: 1, arbitrary: ANY });

describe('answers everything, in time', { timeout: LIMIT }, () => {
  test('a cluster file: a cluster, or problems that name the file', () =>
    survives(
      or(inputs.CLUSTER),
      (text) => parseCluster(text, 'pgrepl.yaml'),
      (answer) => {
        if (!('problems' in answer)) return expect(answer.nodes.length).toBeGreaterThan(0);
        expect(answer.problems.length).toBeGreaterThan(0);
        for (const { message } of answer.problems) expect(message).toContain('pgrepl.yaml');
      },
    ));

  test('a host', () =>
    survives(
      or(inputs.soup(['ssh://', 'docker://', 'local', 'a@', 'b', ':22', '[', '::1', ']', '/', ' '])),
      parseHost,
    ));

  test('postgresql.conf: what is changed is there afterwards, and once is enough', () =>
    survives(
      or(inputs.CONF),
      (text) => withInclude(withSettings(text, { port: '1', work_mem: null }), 'pgrepl.conf'),
      (text) => {
        const { settings } = parseConf(text);
        expect(settings.filter(({ name }) => name === 'port').map(({ value }) => value)).toEqual(['1']);
        expect(settings.filter(({ name }) => name === 'work_mem')).toEqual([]);
        expect(withSettings(text, { port: '1', work_mem: null })).toBe(text);
        expect(parseConf(`x = ${quoteConf('a\\\'"\n')}`).errors).toEqual([]);
      },
    ));

  test('pg_hba.conf: our block goes in and comes out, and nothing else changes', () =>
    survives(
      or(inputs.HBA),
      (text) => ({ without: withBlock(text, []), block: withBlock(text, ['local all all peer']) }),
      ({ without, block }) => {
        expect(withBlock(block, [])).toBe(without);
        expect(parseHba(block).records).toContainEqual(expect.objectContaining({ method: 'peer' }));
        expect(withBlock(block, ['local all all peer'])).toBe(block);
      },
    ));

  test('a conninfo: what was read can be written and read again', () =>
    survives(or(fc.oneof(inputs.PAIRS, inputs.URI)), parseConninfo, (answer, text) => {
      if (answer !== undefined) expect(parseConninfo(conninfo(answer))).toEqual(answer);
      for (const { port } of endpoints(text)) expect(port).toBeGreaterThan(0);
    }));

  test('pg_controldata: none, or numbers that are numbers', () =>
    survives(
      fc.oneof(inputs.damaged(CONTROL), or(inputs.soup(CONTROL.split(/(?<=\n)/), 60))),
      (text) => parseControlData(text, 15),
      (answer) => {
        if (answer === undefined) return;
        const numbers = [answer.timeline, answer.minRecoveryTimeline, ...Object.values(answer.floors)];
        for (const number of numbers) expect(number).toSatisfy(Number.isInteger);
        expect(answer.systemIdentifier).toMatch(/^\d+$/);
      },
    ));

  test('an LSN', () =>
    survives(or(inputs.LSN), parseLsn, (lsn) => {
      if (lsn !== undefined) expect(bytesOf(lsn)).toBeLessThan(2n ** 64n);
    }));

  test('a password file', () => survives(or(inputs.PGPASS), parsePgpass));

  test('the history of a timeline', () =>
    survives(
      or(inputs.HISTORY),
      (text) => parseHistory(5, text),
      (history) => {
        if ('timeline' in history) expect(forkOf(history, history)).toEqual({ timeline: 5 });
      },
    ));

  test('sizes and times', () =>
    survives(
      or(inputs.AMOUNT),
      (text) => [bytesOfSize(text, 'kB'), milliseconds(text, 'ms')],
      (answers) => {
        for (const answer of answers) expect(answer ?? 0).not.toBeNaN();
      },
    ));

  test('synchronous_standby_names', () =>
    survives(
      or(inputs.soup(['ANY', 'first', '1', '2', '(', ')', ',', '*', '"', 'a', ' ', 'é'])),
      syncStandbyNames,
    ));
});
