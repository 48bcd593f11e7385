import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conninfo, parseConninfo, primaryConninfo } from '../../src/render/conninfo.ts';

test.each([
  [{ user: 'a', port: '1' }, 'user=a port=1'],
  [{ password: '' }, "password=''"],
  [{ password: "se cret'x" }, "password='se cret\\'x'"],
  [{ password: 'a\\b' }, "password='a\\\\b'"],
  [{ password: 'a=b#c$d%e&f:g' }, 'password=a=b#c$d%e&f:g'],
  [{ password: "'" }, "password='\\''"],
])('%j', (parts, text) => expect(conninfo(parts)).toBe(text));

test('reads back', () =>
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]+$/), fc.string({ unit: 'binary' })), (parts) => {
      expect(parseConninfo(conninfo(parts))).toEqual({ ...parts });
    }),
  ));

describe('parseConninfo', () => {
  test.each<[string, Record<string, string> | undefined]>([
    ['', {}],
    [' \n ', {}],
    ['a=1 b = 2\tc= 3 ', { a: '1', b: '2', c: '3' }],
    ['a= b=c', { a: 'b=c' }],
    ['a=', { a: '' }],
    ["a='x y'b=2", { a: 'x y', b: '2' }],
    ["a=x'y", { a: "x'y" }],
    ['a=x\\ y\\\\', { a: 'x y\\' }],
    ['a=x\\', { a: 'x' }],
    ["a='\\x\\''", { a: "x'" }],
    ['a=1 a=2', { a: '2' }],
    ['a=\u00a0b', { a: '\u00a0b' }],
    ['a', undefined],
    ['a b=1', undefined],
    ['=1', undefined],
    ['A=1', undefined],
    ["a='open", undefined],
    ["a='open\\'", undefined],
  ])('%j', (text, parts) => expect(parseConninfo(text)).toEqual(parts));

  test.each<[string, Record<string, string> | undefined]>([
    ['postgresql://', {}],
    ['postgres://h', { host: 'h' }],
    [
      'postgresql://u:p%40%3A@h:1/db?sslmode=require',
      { user: 'u', password: 'p@:', host: 'h', port: '1', dbname: 'db', sslmode: 'require' },
    ],
    [
      'postgresql://h1:1,h2:2/?target_session_attrs=primary',
      { host: 'h1,h2', port: '1,2', target_session_attrs: 'primary' },
    ],
    ['postgresql://h1,h2', { host: 'h1,h2', port: ',' }],
    ['postgresql://[fd00::2]:5/x', { host: 'fd00::2', port: '5', dbname: 'x' }],
    ['postgresql://%2Frun%2Fpg/x', { host: '/run/pg', dbname: 'x' }],
    ['postgresql:///x?host=/run', { dbname: 'x', host: '/run' }],
    ['postgresql://u@', { user: 'u' }],
    ['postgresql://:p@h', { password: 'p', host: 'h' }],
    ['postgresql://h?application_name=a+b', { host: 'h', application_name: 'a+b' }],
    ['postgresql://h[::1]', { host: 'h[', port: ':1]' }],
    ['postgresql://[p/q,r]:1', { host: 'p/q,r', port: '1' }],
    ['postgresql://[::1', undefined],
    ['postgresql://h?user=u&', { host: 'h', user: 'u' }],
    ['postgresql://h?&', undefined],
    ['postgresql://h?=x', undefined],
    ['postgresql://h? user=x', undefined],
    ['postgresql://%db', { host: '\ufffd' }],
    ['postgresql://%4', undefined],
    ['postgresql://h?ssl=true', { host: 'h', sslmode: 'require' }],
    ['postgresql://h?x', undefined],
    ['postgresql://h?x=1=2', undefined],
    ['postgresql://h/%zz', undefined],
    ['postgresql://h/%00', undefined],
    ['postgresql://[]', undefined],
    ['postgresql://[::1', undefined],
  ])('%s', (text, parts) => expect(parseConninfo(text)).toEqual(parts));
});

test('primaryConninfo', () => {
  const upstream = { host: '10.0.0.1', port: 5432, role: 're p', applicationName: 'pg2' };
  expect(primaryConninfo(upstream)).toBe(
    "user='re p' host=10.0.0.1 port=5432 application_name=pg2 connect_timeout=10 " +
      'keepalives_idle=5 keepalives_interval=2 keepalives_count=3',
  );
  const more = { ...upstream, passfile: '/x y', extra: { connect_timeout: '3', sslmode: 'verify-full' } };
  expect(parseConninfo(primaryConninfo(more))).toMatchObject({
    passfile: '/x y',
    connect_timeout: '3',
    sslmode: 'verify-full',
  });
});
