import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockRules, decides, parseHba, quoteToken, ruleFor, withBlock } from '../../src/render/hba.ts';

const users = (text: string) =>
  parseHba(text).records.flatMap((record) => record.users.map((user) => user.text));

describe('parseHba', () => {
  test('reads a record', () =>
    expect(
      parseHba('# c\nhost all,"Re p" +ops,@f 10.0.0.0/8 ldap ldapserver=x "ldapprefix=cn=a b"').records,
    ).toEqual([
      {
        line: 2,
        type: 'host',
        databases: [
          { text: 'all', quoted: false },
          { text: 'Re p', quoted: true },
        ],
        users: [
          { text: '+ops', quoted: false },
          { text: '@f', quoted: false },
        ],
        address: '10.0.0.0/8',
        method: 'ldap',
        options: ['ldapserver=x', 'ldapprefix=cn=a b'],
      },
    ]));

  test.each([
    ['local all a trust', ['a']],
    ['local all a trust \\', ['a']],
    ['local all \\\n b trust', ['b']],
    ['local all "a\\\nb" trust', ['ab']],
    ['local all "a" trust\\\n\r\\\n\n', ['a']],
    ['local all "a\r\\\n\\\nb" trust', ['a\rb']],
    ['local all a\\\\\n trust', ['a\\']],
    ['local all a\\b trust', ['a\\b']],
    ['local all "we ird""q" trust', ['we ird"q']],
    ['local all a,b , c trust', []],
    ['local all a, b trust', ['a', 'b']],
    ['local all "a"b trust#x', ['ab']],
    ['local all "#" trust', ['#']],
    ['local all "" trust', ['']],
    ['# x \\\nlocal all a trust', []],
    ['local\tall\ta\ttrust\r\n', ['a']],
  ])('%j', (text, names) => expect(users(text)).toEqual(names));

  test('counts continued lines', () =>
    expect(parseHba('local all \\\n a trust\nlocal all b trust').records.map(({ line }) => line)).toEqual([
      1, 3,
    ]));

  test('keeps a mask, and the quotes of a host called all', () => {
    const { records } = parseHba(
      'host all all 10.0.0.0 255.0.0.0 md5\nhost all all "all" md5\nhost all all all md5',
    );
    expect(records.map(({ address, mask }) => [address, mask])).toEqual([
      ['10.0.0.0', '255.0.0.0'],
      ['"all"', undefined],
      ['all', undefined],
    ]);
  });

  test('ident on a socket is peer', () =>
    expect(parseHba('local all all ident').records).toMatchObject([{ method: 'peer' }]));

  test('returns includes apart', () =>
    expect(parseHba('include "a b"\nlocal all all trust\ninclude_dir d\ninclude x y')).toMatchObject({
      records: [{ line: 2 }],
      includes: [
        { line: 1, kind: 'include', target: 'a b' },
        { line: 3, kind: 'include_dir', target: 'd' },
      ],
      errors: [{ line: 4 }],
    }));

  test.each([
    ['lokal all all trust', 'invalid connection type "lokal"'],
    ['local,host all all trust', 'multiple values specified for connection type'],
    ['local', 'end-of-line before database specification'],
    ['local all', 'end-of-line before role specification'],
    ['local all all', 'end-of-line before authentication method'],
    ['host all all', 'end-of-line before IP address specification'],
    ['host all all 10.0.0.1', 'end-of-line before netmask specification'],
    ['host all all 10.0.0.1/33 md5', 'invalid CIDR mask in address "10.0.0.1/33"'],
    ['host all all ::1/129 md5', 'invalid CIDR mask in address "::1/129"'],
    ['host all all db.example/8 md5', 'specifying both host name and CIDR mask is invalid: "db.example/8"'],
    ['host all all 0 md5', 'invalid IP mask "md5"'],
    ['host all all 10.0.0.1 md5', 'invalid IP mask "md5"'],
    ['host all all 10.0.0.1 ffff:: md5', 'IP address and mask do not match'],
    ['host all all a,b md5', 'multiple values specified for host address'],
    ['host all all all peer', 'peer authentication is only supported on local sockets'],
    ['host all all all krb5', 'invalid authentication method "krb5"'],
    ['host all all all md5 x', 'authentication option not in name=value format: x'],
  ])('%s', (text, message) =>
    expect(parseHba(text)).toMatchObject({ records: [], errors: [{ line: 1, message }] }),
  );
});

describe('decides', () => {
  test.each([
    ['host replication r 10.0.0.2/32 md5', '10.0.0.2', true],
    ['host replication r 10.0.0.2/32 md5', '10.0.0.3', false],
    ['host replication r 10.0.0.0/30 md5', '10.0.0.3', true],
    ['host replication r 10.0.0.0/30 md5', '10.0.0.4', false],
    ['host replication r 0.0.0.0/0 md5', '10.0.0.2', true],
    ['host replication r 0.0.0.0/0 md5', '::1', false],
    ['host replication r ::/0 md5', '10.0.0.2', false],
    ['host replication r 10.2/32 md5', '10.0.0.2', true],
    ['host replication r 0x0a.0.0.2/32 md5', '10.0.0.2', true],
    ['host replication r 010.0.0.2/32 md5', '8.0.0.2', true],
    ['host replication r 10.0.0.0/+8 md5', '10.0.0.2', true],
    ['host replication r fd00::/8 md5', 'fd12:3::4', true],
    ['host replication r fd00::/8 md5', 'fc12:3::4', false],
    ['host replication r 10.0.0.0 255.255.255.0 md5', '10.0.0.9', true],
    ['host replication r 10.0.0.0 255.255.255.0 md5', '10.0.1.9', false],
    ['host replication r 10.0.0.0/24 md5', '10.0.0.0/25', true],
    ['host replication r 10.0.0.0/25 md5', '10.0.0.0/24', false],
    ['host replication r all md5', 'pg2.example', true],
    ['host replication r "all" md5', '10.0.0.2', false],
    ['host replication r PG2.example md5', 'pg2.example', true],
    ['host replication r .example md5', 'pg2.example', false],
    ['host replication r samehost md5', '127.0.0.1', true],
    ['host replication r samenet md5', '::1', true],
    ['host replication r samenet md5', '10.0.0.2', false],
    ['host all r all md5', '10.0.0.2', false],
    ['host "replication" r all md5', '10.0.0.2', false],
    ['host all,replication r all md5', '10.0.0.2', true],
    ['host replication all all md5', '10.0.0.2', true],
    ['host replication "all" all md5', '10.0.0.2', false],
    ['host replication R all md5', '10.0.0.2', false],
    ['host replication +r all md5', '10.0.0.2', false],
    ['host replication @r all md5', '10.0.0.2', false],
    ['host replication /^r$ all md5', '10.0.0.2', true],
    ['host replication /^x all md5', '10.0.0.2', false],
    ['host replication "/(" all md5', '10.0.0.2', false],
    ['local replication r md5', '10.0.0.2', false],
    ['hostssl replication r all md5', '10.0.0.2', false],
    ['hostnossl replication r all md5', '10.0.0.2', true],
    ['hostgssenc replication r all md5', '10.0.0.2', false],
    ['hostnogssenc replication r all md5', '10.0.0.2', true],
  ])('%s for %s: %s', (line, address, does) => {
    const { records, errors } = parseHba(line);
    const record = decides(records, { replication: true, user: 'r', address, ssl: false });
    expect({ errors, does: record !== undefined }).toEqual({ errors: [], does });
  });

  test('the first one', () => {
    const { records } = parseHba('hostssl replication all all reject\nhost replication all all md5');
    const line = (ssl: boolean) =>
      decides(records, { replication: true, user: 'r', address: '::1', ssl })?.line;
    expect([line(true), line(false)]).toEqual([1, 2]);
  });
});

describe('ruleFor', () => {
  test.each([
    ['replicator', '10.0.0.2', 'host  replication  replicator  10.0.0.2/32  scram-sha-256'],
    ['we ird', '10.0.0.0/8', 'host  replication  "we ird"  10.0.0.0/8  scram-sha-256'],
    ['r', 'fd00::2', 'host  replication  r  fd00::2/128  scram-sha-256'],
    ['r', 'pg2.example', 'host  replication  r  pg2.example  scram-sha-256'],
    ['all', 'all', 'host  replication  "all"  all  scram-sha-256'],
  ])('%s from %s', (role, address, rule) => expect(ruleFor(role, address)).toBe(rule));

  test.each(['a\nb', '/x'])('%j is refused', (role) =>
    expect(() => ruleFor(role, '::1')).toThrow(RangeError),
  );

  test('decides for its role and for no other', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (role) => {
        fc.pre(!/^\/|[\r\n\0]/.test(role));
        const { records, errors } = parseHba(ruleFor(role, '10.0.0.2'));
        const want = { replication: true, user: role, address: '10.0.0.2', ssl: true } as const;
        expect(errors).toEqual([]);
        expect(decides(records, want)).toBeDefined();
        expect(decides(records, { ...want, user: `${role}x` })).toBeUndefined();
        expect(decides(records, { ...want, address: '10.0.0.3' })).toBeUndefined();
      }),
    ));

  test.each(['all', 'replication', '+a', '@a', '/a', '#', 'a,b', 'a"b', '', 'a b'])(
    '%j needs quotes',
    (text) => expect(quoteToken(text)).toBe(`"${text.replace('"', '""')}"`),
  );
});

const RULE = ruleFor('r', '10.0.0.2');
const BLOCK = withBlock('', [RULE]);

describe('withBlock', () => {
  test('reads back', () => {
    expect(BLOCK.split('\n')).toEqual([expect.stringMatching(/^# BEGIN pgrepl: /), RULE, '# END pgrepl', '']);
    expect(blockRules(BLOCK)).toEqual([RULE]);
    expect(blockRules(BLOCK.trimEnd())).toEqual([RULE]);
    expect(blockRules('# nothing')).toEqual([]);
  });

  test.each([
    ['', BLOCK],
    ['# only', `${BLOCK}# only`],
    ['# only\n', `# only\n${BLOCK}`],
    ['# only \\\n', `${BLOCK}# only \\\n`],
    ['  ', `${BLOCK}  `],
    ['local all all peer', `${BLOCK}local all all peer`],
    ['# head\n\n# why\nlocal all all peer\n', `# head\n\n${BLOCK}# why\nlocal all all peer\n`],
    ['include x\n', `${BLOCK}include x\n`],
    ['lokal x\n', `${BLOCK}lokal x\n`],
    ['\n# a \\\nhost all all all md5\n', `\n${BLOCK}# a \\\nhost all all all md5\n`],
    [`local all all peer\n${BLOCK}host replication all all md5\n`, undefined],
    [`host all all all md5\n${BLOCK}`, undefined],
    [`host replication all all reject\n${BLOCK}`, `${BLOCK}host replication all all reject\n`],
    [`host replication @f all reject\n${BLOCK}`, `${BLOCK}host replication @f all reject\n`],
    [`include x\n${BLOCK}`, `${BLOCK}include x\n`],
    [`# c \\\n${BLOCK}local all all peer\n`, `${BLOCK}# c \\\nlocal all all peer\n`],
    [`${BLOCK}${BLOCK}`, BLOCK],
    [`# BEGIN pgrepl\n${BLOCK}`, undefined],
    [`# END pgrepl\n${BLOCK}`, undefined],
    [`# BEGIN pgrepl\n${BLOCK}# END pgrepl\n`, BLOCK],
    [BLOCK.replace(RULE, 'host replication old 10.0.0.9/32 md5'), BLOCK],
    [BLOCK.trimEnd(), BLOCK],
  ])('%j', (text, result = text) => {
    expect(withBlock(text, [RULE])).toBe(result);
    expect(withBlock(result, [RULE])).toBe(result);
  });

  const PIECE = fc.constantFrom(
    'local all all peer',
    'host all all all md5',
    'host replication all 0.0.0.0/0 reject',
    '# c',
    '# c \\',
    'host replication \\',
    '  all all md5',
    '',
    ' ',
    '# BEGIN pgrepl',
    '# END pgrepl',
    'include x',
    '"',
  );
  const FILE = fc
    .tuple(fc.array(PIECE), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([lines, eol, ended]) => lines.join(eol) + (ended ? eol : ''));

  test('decides, leaves the rest, is at rest, and comes off again', () =>
    fc.assert(
      fc.property(FILE, (text) => {
        const once = withBlock(text, [RULE]);
        const want = { replication: true, user: 'r', address: '10.0.0.2', ssl: true } as const;
        const record = decides(parseHba(once).records, want);
        expect(record && once.split('\n')[record.line - 1]).toBe(RULE);
        expect(withBlock(once, [RULE])).toBe(once);
        if (blockRules(text).length === 0 && withBlock(text, []) === text)
          expect(withBlock(once, [])).toBe(text);
      }),
      { numRuns: 1000 },
    ));
});
