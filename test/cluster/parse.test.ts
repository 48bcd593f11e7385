import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCluster } from '../../src/cluster/parse.ts';

/** Every problem as `message | hint`. */
function problemsOf(text: string): string[] {
  const read = parseCluster(text, 'pgrepl.yaml');
  if (!('problems' in read)) return [];
  return read.problems.map(({ message, hint }) => (hint === undefined ? message : `${message} | ${hint}`));
}

/** A file with these nodes, the first of them on line 3. */
function nodes(...lines: string[]): string {
  return ['cluster: shop', 'nodes:', ...lines.map((line) => `  ${line}`)].join('\n');
}

test('the file of the contract', () => {
  const text = `
cluster: shop
replication:
  role: replicator
  password: { file: ./replicator.password }
nodes:
  pg1: { address: 10.0.0.11, on: "ssh://postgres@10.0.0.11", pgdata: /var/lib/postgresql/17/main }
  pg2: { address: 10.0.0.12, on: "ssh://postgres@10.0.0.12", pgdata: /var/lib/postgresql/17/main, upstream: pg1 }
`;
  expect(parseCluster(text, '/etc/pgrepl/shop.yaml')).toEqual({
    name: 'shop',
    file: '/etc/pgrepl/shop.yaml',
    replication: { role: 'replicator', password: { file: '/etc/pgrepl/replicator.password' } },
    nodes: [
      {
        name: 'pg1',
        address: '10.0.0.11',
        host: { via: 'ssh', destination: 'postgres@10.0.0.11' },
        pgdata: '/var/lib/postgresql/17/main',
        slot: 'pg1',
      },
      {
        name: 'pg2',
        address: '10.0.0.12',
        host: { via: 'ssh', destination: 'postgres@10.0.0.12' },
        pgdata: '/var/lib/postgresql/17/main',
        upstream: 'pg1',
        slot: 'pg2',
      },
    ],
  });
});

test('a superuser of all nodes, and of one', () => {
  const text = `superuser: boss\n${nodes('pg1: { pgdata: /d }', 'pg2: { pgdata: /e, superuser: me, upstream: pg1 }')}`;
  expect(parseCluster(text, 'f')).toMatchObject({ nodes: [{ superuser: 'boss' }, { superuser: 'me' }] });
  const wrong = `superuser: "a\\nb"\n${nodes('pg1: { pgdata: /d }')}`;
  expect(parseCluster(wrong, 'f')).toMatchObject({
    problems: [{ message: 'superuser must be one line and not empty (f:1)' }],
  });
});

describe('what a node becomes', () => {
  test.each([
    ['pgdata: /d', { pgdata: '/d', host: { via: 'local' }, slot: 'pg_1' }],
    ['pgdata: 17/main', { debian: { major: 17, cluster: 'main' }, host: { via: 'local' }, slot: 'pg_1' }],
    ['debian: 17/main', { debian: { major: 17, cluster: 'main' }, host: { via: 'local' }, slot: 'pg_1' }],
    [
      'pgdata: /d, superuser: boss, port: 5433, on: docker://c, bindir: /b, waldir: /w, slot: mine, tablespaces: { /a: /b }',
      {
        pgdata: '/d',
        port: 5433,
        host: { via: 'docker', container: 'c' },
        bindir: '/b',
        superuser: 'boss',
        waldir: '/w',
        slot: 'mine',
        tablespaces: { '/a': '/b' },
      },
    ],
    [
      'pgdata: "/data of ’d\'/# $ % & : \\\\ x"',
      { pgdata: "/data of ’d'/# $ % & : \\ x", host: { via: 'local' }, slot: 'pg_1' },
    ],
  ])('%s', (settings, node) => {
    expect(parseCluster(nodes(`pg-1: { ${settings} }`), 'f')).toMatchObject({
      nodes: [{ name: 'pg-1', ...node }],
    });
  });
});

test.each([
  ['{ env: REPLICATOR_PASSWORD }', { env: 'REPLICATOR_PASSWORD' }],
  ['{ command: [pass, show, shop/replicator] }', { command: ['pass', 'show', 'shop/replicator'] }],
  ['{ file: /etc/secret }', { file: '/etc/secret' }],
])('password %s', (written, password) => {
  const text = `cluster: shop\nreplication: { password: ${written} }\nnodes: { pg1: { pgdata: /d } }`;
  expect(parseCluster(text, 'f')).toMatchObject({ replication: { role: 'replicator', password } });
});

describe('one mistake, one sentence', () => {
  test.each([
    [
      '',
      [
        'the file must hold settings: cluster, replication, nodes (pgrepl.yaml) | At least: cluster: shop, and under nodes: pg1: { pgdata: /var/lib/postgresql/17/main }.',
      ],
    ],
    ['nodes: { pg1: { pgdata: /d } }', ['cluster is missing (pgrepl.yaml)']],
    ['cluster: shop', ['nodes is missing (pgrepl.yaml)']],
    ['cluster: shop\nnodes: {}', ['nodes holds no node (pgrepl.yaml:2)']],
    [
      'cluster: 17\nnodes: { pg1: { pgdata: /d } }',
      ['cluster must be a text (pgrepl.yaml:1) | Put it into quotes: "17".'],
    ],
    ['cluster: shop\nnodes: [pg1]', ['nodes must hold entries, a name and a value each (pgrepl.yaml:2)']],
    [`cluster: "x\nnodes: [\nname: 1: ${'y'.repeat(200)}`, ['pgrepl.yaml:3: Missing closing "quote']],
    ['cluster: a\ncluster: b', ['pgrepl.yaml:2: Map keys must be unique']],
    [nodes('pg1: { pgdata: /d }', 'pg1: { pgdata: /e }'), ['pgrepl.yaml:4: Map keys must be unique']],
    [nodes('pg1:'), ['pg1 must hold settings, a key and a value each (pgrepl.yaml:3)']],
    [
      nodes('pg1: { pgdata: /d, upstraem: pg1 }'),
      ['pg1: upstraem is not a setting (pgrepl.yaml:3) | Did you mean upstream?'],
    ],
    [nodes('pg1: { pgdta: /d }'), ['pg1: pgdta is not a setting (pgrepl.yaml:3) | Did you mean pgdata?']],
    [
      nodes('pg1: { address: a }'),
      ['pg1: pgdata is missing (pgrepl.yaml:3) | Write pgdata: DIRECTORY, or on Debian pgdata: 17/main.'],
    ],
    [
      nodes('pg1: { pgdata: /d, debian: 17/main }'),
      ['pg1: pgdata and debian both say where the data is (pgrepl.yaml:3) | Keep one of them.'],
    ],
    [
      nodes('pg1: { pgdata: data }'),
      ['pg1: pgdata must be an absolute path, and "data" is none (pgrepl.yaml:3)'],
    ],
    [nodes('pg1: { pgdata: "/a\\nb" }'), ['pg1: pgdata must not hold a newline or NUL (pgrepl.yaml:3)']],
    [nodes('pg1: { pgdata: "/a\\0b" }'), ['pg1: pgdata must not hold a newline or NUL (pgrepl.yaml:3)']],
    [
      nodes('pg1: { pgdata: /d, port: 70000 }'),
      ['pg1: port must be a number from 1 to 65535 (pgrepl.yaml:3)'],
    ],
    [
      nodes('pg1: { pgdata: /d, port: "5432" }'),
      ['pg1: port must be a number from 1 to 65535 (pgrepl.yaml:3)'],
    ],
    [
      nodes('pg1: { pgdata: /d, slot: My-Slot }'),
      ['pg1: slot must be 1 to 63 of a-z, 0-9 and _ (pgrepl.yaml:3)'],
    ],
    [
      nodes('pg1: { pgdata: /d, on: db1 }'),
      [
        'pg1: on names no host: "db1" is not a host (pgrepl.yaml:3) | Write local, ssh://[user@]host[:port] or docker://container.',
      ],
    ],
    [
      nodes('pg1: { pgdata: /d, tablespaces: { /a: b } }'),
      ['pg1: tablespaces./a must be an absolute path, and "b" is none (pgrepl.yaml:3)'],
    ],
    [
      nodes('pg 1: { pgdata: /d }'),
      [
        '"pg 1" is not a name for a node (pgrepl.yaml:3) | A name begins with a letter, digit or _, and goes on with these, dots and hyphens, up to 63 in all.',
      ],
    ],
    [
      nodes('pg1: { pgdata: /d }', '__proto__: { pgdata: /e }'),
      [
        '"__proto__" is not a name for a node (pgrepl.yaml:4) | A name begins with a letter, digit or _, and goes on with these, dots and hyphens, up to 63 in all.',
      ],
    ],
  ])('%j', (text, problems) => expect(problemsOf(text)).toEqual(problems));
});

describe('passwords in the file', () => {
  test.each([
    ['secret', 'replication.password must say where the password is'],
    ['{}', 'replication.password must be exactly one of { file }, { env } and { command }'],
    ['{ file: a, env: B }', 'replication.password must be exactly one of { file }, { env } and { command }'],
    ['{ env: "A B" }', 'replication.password.env must be the name of an environment variable'],
    ['{ command: [] }', 'replication.password.command must be a list of words, a program first'],
    ['{ command: pass }', 'replication.password.command must be a list'],
    ['{ flie: a }', 'replication.password.flie is not a setting'],
  ])('%s', (written, message) => {
    const text = `cluster: shop\nreplication:\n  password: ${written}\nnodes: { pg1: { pgdata: /d } }`;
    const problems = problemsOf(text);
    expect(problems[0]).toContain(`${message} (pgrepl.yaml:3)`);
    expect(problems.join()).not.toContain('secret');
  });
});

describe('what must hold between nodes', () => {
  test.each([
    [
      ['a: { pgdata: /a }', 'b: { pgdata: /b, upstream: c }'],
      ['b: upstream "c" is not a node of this file (pgrepl.yaml:4) | Did you mean a?'],
    ],
    [
      ['a: { pgdata: /a }', 'b: { pgdata: /b, upstream: c }', 'c: { pgdata: /c, upstream: b }'],
      [
        'b: upstreams go in a ring: b -> c -> b (pgrepl.yaml:4) | Leave out the upstream of the node that is to be the primary.',
      ],
    ],
    [
      ['a: { pgdata: /a, upstream: a }'],
      [
        'a: upstreams go in a ring: a -> a (pgrepl.yaml:3) | Leave out the upstream of the node that is to be the primary.',
        'no node is the primary: every one has an upstream (pgrepl.yaml:2)',
      ],
    ],
    [
      ['a: { pgdata: /a }', 'b: { pgdata: /b }'],
      [
        'nodes a, b have no upstream, and only the primary has none (pgrepl.yaml:2) | Give every standby its upstream, and the primary none.',
      ],
    ],
    [
      ['pg-1: { pgdata: /a }', 'pg.1: { pgdata: /b, upstream: pg-1 }'],
      ['pg.1: uses the slot of pg-1 (pgrepl.yaml:4) | Give one of them another slot.'],
    ],
    [
      ['a: { pgdata: /a }', 'b: { pgdata: /a/, upstream: a }'],
      ['b: has the data directory of a (pgrepl.yaml:4) | Give one of them another pgdata.'],
    ],
    [
      ['a: { pgdata: 17/main }', 'b: { debian: 17/main, upstream: a }'],
      ['b: has the data directory of a (pgrepl.yaml:4) | Give one of them another pgdata.'],
    ],
    [
      ['a: { pgdata: /a, on: ssh://root@h }', 'b: { pgdata: /a, on: ssh://postgres@h, upstream: a }'],
      ['b: has the data directory of a (pgrepl.yaml:4) | Give one of them another pgdata.'],
    ],
    [
      ['a: { pgdata: /a, address: h }', 'b: { pgdata: /b, address: H, port: 5432, upstream: a }'],
      ['b: has the address and port of a (pgrepl.yaml:4) | Give one of them another port.'],
    ],
    [
      [
        'a: { pgdata: /a, address: 127.0.0.1, on: ssh://h1 }',
        'b: { pgdata: /a, address: h2, on: ssh://h2, upstream: a }',
      ],
      [
        'a: address 127.0.0.1 is each machine itself, and the nodes are on several (pgrepl.yaml:3) | Write the address that the other hosts reach it by.',
      ],
    ],
  ])('%j', (lines, problems) => expect(problemsOf(nodes(...lines))).toEqual(problems));
});

describe('what is fine', () => {
  test.each([
    [['a: { pgdata: /a }']],
    [['a: { pgdata: /a }', 'b: { pgdata: /b, upstream: a }', 'c: { pgdata: /c, upstream: b }']],
    [['a: { pgdata: /a, on: ssh://h1 }', 'b: { pgdata: /a, on: ssh://h2, upstream: a }']],
    [['a: { pgdata: /a, on: docker://x }', 'b: { pgdata: /a, on: docker://y, upstream: a }']],
    [['a: { pgdata: 17/a, address: h }', 'b: { pgdata: 17/b, address: h, upstream: a }']],
    [
      [
        'a: { pgdata: /a, address: "::1", port: 1, on: ssh://127.0.0.1 }',
        'b: { pgdata: /b, address: localhost, port: 2, upstream: a }',
      ],
    ],
  ])('%j', (lines) => expect(problemsOf(nodes(...lines))).toEqual([]));
});

test('everything that is wrong comes at once, in one run', () => {
  const text = nodes(
    'a: { pgdata: a, port: 0 }',
    'b: { pgdata: /b, upstream: x, slot: s }',
    'c: { pgdata: /b, upstream: a, slot: s, foo: 1 }',
  );
  expect(problemsOf(text).map((problem) => problem.replace(/ \|.*/, ''))).toEqual([
    'a: port must be a number from 1 to 65535 (pgrepl.yaml:3)',
    'a: pgdata must be an absolute path, and "a" is none (pgrepl.yaml:3)',
    'c: foo is not a setting (pgrepl.yaml:5)',
    'b: upstream "x" is not a node of this file (pgrepl.yaml:4)',
    'c: uses the slot of b (pgrepl.yaml:5)',
    'c: has the data directory of b (pgrepl.yaml:5)',
  ]);
});

test('a broken upstream is not also a second primary', () => {
  expect(problemsOf(nodes('a: { pgdata: /a }', 'b: { pgdata: /b, upstream: 5 }'))).toHaveLength(1);
});

describe('no text makes it crash or hang', () => {
  const word = fc.constantFrom(
    ...[
      'cluster',
      'nodes',
      'replication',
      'password',
      'pgdata',
      'upstream',
      'on',
      'a',
      'b',
      '/d',
      '17/main',
      '5',
      'null',
    ],
    ...[
      ': ',
      '\n',
      '\n  ',
      '\n    ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '- ',
      '&x ',
      '*x',
      '!!map ',
      '"',
      "'",
      '#',
      '|',
      '? ',
      '<<',
      '\0',
      '%',
    ],
  );
  const soup = fc.array(word, { maxLength: 60 }).map((words) => words.join(''));
  test.each([
    ['characters', fc.string({ unit: 'binary', maxLength: 200 })],
    ['words of ours', soup],
    ['data as YAML', fc.json()],
  ])('%s', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const read = parseCluster(text, 'f');
        if ('problems' in read) expect(read.problems.length).toBeGreaterThan(0);
        else expect(read.nodes.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['deep', '['.repeat(20_000)],
    [
      'aliases of aliases',
      `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`,
    ],
    ['an alias to itself', 'cluster: &a [*a]\nnodes: *a'],
  ])('%s', (_, text) => expect(problemsOf(text).length).toBeGreaterThan(0));
});
