import fc from 'fast-check';

/** Words and marks of a language in any order, with a little of anything between them. */
export function soup(words: readonly string[], maxLength = 12): fc.Arbitrary<string> {
  const any = fc.string({ unit: 'binary', maxLength: 4 });
  const part = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: any });
  return fc.array(part, { maxLength }).map((parts) => parts.join(''));
}

/** A text with pieces taken out, doubled, or replaced. */
export function damaged(text: string): fc.Arbitrary<string> {
  const cut = fc.tuple(
    fc.nat(text.length),
    fc.nat(40),
    fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('\n', ':', text)),
  );
  return fc
    .array(cut, { minLength: 1, maxLength: 4 })
    .map((cuts) =>
      cuts.reduce((now, [at, length, put]) => now.slice(0, at) + put + now.slice(at + length), text),
    );
}

const MARKS = [' ', '\t', '\r', '\n', '#', "'", '"', '\\', '=', ',', '/', ':', '.', '-', '+', '@', '*', ' '];

export const CONF = soup([
  ...MARKS,
  ...[
    'port',
    'Work_Mem',
    'a.b',
    'größe',
    '_x',
    '= ',
    " = '",
    "'\n",
    '\n',
    '\n',
    '5432',
    '64MB',
    '-1',
    '+.5e3',
  ],
  ...['0x1F', '1.5', '1.5GB', 'on', 'a/b:c-d.e', "''", "\\'", '\\101', '\\0', '\\777', '\\n', '\\q', '# c\n'],
  ...['include', 'include_if_exists', 'include_dir', "'nowhere'", '\u00a0', '\f', '\v', 'é'],
]);

const HBA_LINE = fc
  .tuple(
    fc.constantFrom('local', 'host', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc', 'Host'),
    soup(['all', 'replication', 'db', ',', '"d b"', 'sameuser', '"all"', '', '+x', '"', '\\'], 3),
    soup(['all', 'u', '+ops', ',', '"u""v"', '""', '/^x', '#', 'é'], 3),
    soup(
      [
        ...['all', 'samehost', 'samenet', '"all"', '10.0.0.1/32', '10.0.0.0/8', '10.0.0.1 255.255.255.0'],
        ...[
          '::1/128',
          'fe80::/10',
          '::ffff:10.0.0.1/96',
          'db.example',
          '.example',
          '10.1',
          '010.0.0.1',
          '0x0a.1',
        ],
        ...[
          '1.2.3.4/33',
          '::1 ffff::',
          '/',
          '0',
          '1::2::3/8',
          'g::/8',
          ' ',
          '10.0.0.1/08',
          '10.0.0.1/+8',
          '/8',
        ],
      ],
      2,
    ),
    soup(
      ['trust', 'reject', 'md5', 'scram-sha-256', 'password', 'peer', 'ident', 'gss', 'TRUST', ',', '"md5"'],
      2,
    ),
    fc.constantFrom('', '', '', ' map=x', ' x', ' # c', '\\'),
  )
  .map(
    ([type, database, user, address, method, rest]) =>
      [type, database, user, ...(type === 'local' ? [] : [address]), method].join(' ') + rest,
  );
export const HBA = fc.oneof(
  { weight: 3, arbitrary: HBA_LINE },
  {
    weight: 1,
    arbitrary: soup([...MARKS, 'local', 'host', 'all', 'trust', '10.0.0.1/32', '\\\n', 'include x']),
  },
);

const KEYS = ['user', 'password', 'dbname', 'application_name', 'options'];
const VALUES = [
  "'",
  "\\'",
  '\\\\',
  '\\',
  "x y'",
  'x',
  "''",
  "'a b'",
  'é',
  ' ',
  '\t',
  '\f',
  '\u00a0',
  '=',
  '%20',
];
export const PAIRS = soup([
  ...KEYS.map((key) => `${key}=`),
  ...KEYS.map((key) => ` ${key} = `),
  'nokey=',
  ...VALUES,
]);
const URI_PARTS = [
  'u',
  ':',
  'p',
  '@',
  'h',
  ',',
  '[::1]',
  '[',
  ']',
  '/',
  'db',
  '?',
  '&',
  '=',
  '%41',
  '%',
  '%00',
  '%4',
  '+',
];
export const URI = fc
  .tuple(
    fc.constantFrom('postgresql://', 'postgres://', 'postgres:/', 'postgresql:'),
    soup([...URI_PARTS, 'application_name=a', '&user=x', 'ssl=true', '?host=/x', 'é', ' ', '5432', '#']),
  )
  .map((parts) => parts.join(''));

export const LSN = fc.oneof(
  soup(['0', 'F', 'a', '16', 'B374D848', '/', '/', ' ', 'g', '-', '00000000'], 5),
  fc
    .tuple(fc.nat(0xffffffff), fc.nat(0xffffffff))
    .map(([high, low]) => `${high.toString(16)}/${low.toString(16)}`),
);

export const AMOUNT = soup(
  [
    '0',
    '1',
    '8',
    '010',
    '0x1F',
    '09',
    '.5',
    '1.5',
    '1e3',
    'e',
    '-',
    '+',
    ' ',
    'kB',
    'MB',
    'GB',
    'TB',
    'B',
    'kb',
    'ms',
    's',
    'min',
    'h',
    'd',
    'us',
    '\n',
    '0x',
    '.',
  ],
  4,
);

export const PGPASS = soup(
  [
    'h',
    '*',
    'PORT',
    'db',
    'u',
    ':',
    ':',
    ':',
    ':',
    '\\:',
    '\\\\',
    '\\',
    '#',
    '\n',
    '\r\n',
    '\r',
    ' ',
    'secret',
    'é',
    'h:PORT:db:u:',
    '*:*:*:*:',
  ],
  10,
);

export const HISTORY = soup([
  '1',
  '2',
  '3',
  '\t',
  '\t',
  ' ',
  '0/3000148',
  '1/0',
  '0/',
  '\n',
  '\n',
  '#',
  'no recovery target specified',
  '-1',
  '4294967295',
  '99999999999',
  'x',
]);

/** Nearly what a server writes: most of it is read. */
export const HISTORY_LINES = fc
  .array(
    fc
      .tuple(
        fc.constantFrom('1', '2', '3', '4', '+2', '01', '-1', '4294967298'),
        fc.constantFrom('\t', ' ', '', '\v\f', '\r'),
        fc.constantFrom(
          '0/3000148',
          '1/ABCDEF00',
          '0x1/0X2',
          'a/-1',
          '0/ 2',
          '0 /2',
          '123456789a/0',
          'G/1',
          '0/0',
        ),
        fc.constantFrom('', '\treason', 'x', '\r'),
      )
      .map((parts) => parts.join('')),
    { maxLength: 4 },
  )
  .map((lines) => lines.join('\n'));

export const CLUSTER = soup(
  [
    ...[
      'cluster: shop\n',
      'nodes:\n',
      '  pg1:',
      '  pg2: ',
      ' {',
      ' }',
      'pgdata: /d',
      'upstream: pg1',
      'address: 10.0.0.1',
      'on: ssh://a@b',
    ],
    ...[
      'replication:\n',
      '  role: r\n',
      '  password: ',
      'file: ./p',
      'env: P',
      'command: [a]',
      '\n',
      '  ',
      ', ',
      ': ',
      '- ',
      '&a ',
      '*a',
      '<<: *a',
    ],
    ...[
      '!!binary x',
      '"',
      "'",
      '|\n',
      '>-\n',
      '[',
      ']',
      '{',
      '}',
      '# c\n',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '~',
      '0x1F',
      '\t',
      '__proto__: 1',
      '? ',
      'port: 5432',
      'slot: A',
      '.inf',
      '2026-01-01',
    ],
  ],
  30,
);
