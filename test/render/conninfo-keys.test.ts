import { expect, test } from 'vitest';
import { uncommonKeys, whoHas } from '../../src/render/conninfo-keys.ts';
import { parseConninfo, primaryConninfo } from '../../src/render/conninfo.ts';

test.each([
  ['sslnegotiation', 'which libpq has from PostgreSQL 17 on'],
  ['load_balance_hosts', 'which libpq has from PostgreSQL 16 on'],
  ['require_auth', 'which libpq has from PostgreSQL 16 on'],
  ['tty', 'which libpq had up to PostgreSQL 13'],
  ['of_tomorrow', 'which no libpq up to 18 has'],
])('%s', (key, said) => {
  expect(uncommonKeys({ [key]: 'x', sslmode: 'require' })).toEqual([key]);
  expect(whoHas(key)).toBe(said);
});

test('what pgrepl itself writes every libpq takes', () => {
  const upstream = { host: 'h', port: 1, role: 'r', applicationName: 'a', passfile: '/p' };
  expect(uncommonKeys(parseConninfo(primaryConninfo(upstream)) ?? {})).toEqual([]);
});
