import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { planAsText } from '../../src/report/planText.ts';
import type { Argv } from '../../src/tools/words.ts';
import { Secret } from '../../src/tools/words.ts';

const look = { color: new Chalk({ level: 0 }), width: 80 };
const text = (plan: Partial<Plan>) =>
  planAsText({ title: 'clone pg2 from pg1', refusals: [], steps: [], ...plan }, look);

describe('a plan for people', () => {
  test('whole', () => {
    const plan: Partial<Plan> = {
      notes: ['max_slot_wal_keep_size is 40 GB: half of what is free'],
      confirm: ['/pg/2 is moved aside to /pg/2.old, and kept until pg2 streams'],
      pointOfNoReturn: 2,
      steps: [
        {
          node: 'pg1',
          why: 'reserve a slot',
          do: 'run',
          argv: ['psql', '--set', "slot=it's", '-f', '-'],
          stdin: ["select pg_create_physical_replication_slot(:'slot');\n"],
          capture: 'lsn',
        },
        {
          node: 'pg2',
          why: 'its password file',
          do: 'write',
          path: '/pg/2/pass',
          content: ['*:*:*:repl:', new Secret('geheim'), '\n'],
          mode: '0600',
          was: '*:*:*:repl:old\n',
        },
        {
          node: 'pg2',
          why: 'connect to pg1',
          do: 'write',
          path: '/pg/2/postgresql.auto.conf',
          content: ['a = 1\nprimary_conninfo = ', "'host=b password=''ge heim'' user=r'\n", 'z = 9\n'],
          mode: '0600',
          was: "a = 1\nprimary_conninfo = 'host=a password=''ge heim'' user=r'\nz = 9\n",
          lane: 'pg2',
        },
        {
          node: 'pg2',
          why: 'it streams',
          do: 'expect',
          argv: ['psql', { ref: 'lsn' }],
          stdout: 't',
          seconds: 30,
        },
      ],
      undo: [{ node: 'pg1', why: 'drop the slot', do: 'run', argv: ['psql', '-c', 'select 1'] }],
    };
    expect(text(plan)).toBe(
      `
clone pg2 from pg1

note: max_slot_wal_keep_size is 40 GB: half of what is free

It asks before:
  ? /pg/2 is moved aside to /pg/2.old, and kept until pg2 streams

Steps:
  1. pg1: reserve a slot
     psql --set 'slot=it'\\''s' -f - -> $lsn
     | select pg_create_physical_replication_slot(:'slot');
  2. pg2: its password file
     write /pg/2/pass, mode 0600
     +*:*:*:repl:••••••
    -- from here there is no way back --
  3. pg2: connect to pg1 (lane pg2)
     write /pg/2/postgresql.auto.conf, mode 0600
     @@ -1,3 +1,3 @@
      a = 1
     -primary_conninfo = 'host=a password=•••••• user=r'
     +primary_conninfo = 'host=b password=•••••• user=r'
      z = 9
  4. pg2: it streams
     psql "$lsn"
     until it prints "t", at most 30 s

If it fails before step 3:
  1. pg1: drop the slot
     psql -c 'select 1'
`.slice(1),
    );
  });

  const UNDER = '--dry-run=sh prints it as a shell script, with every script in it whole.';
  const said = (argv: Argv) =>
    text({ steps: [{ node: 'pg2', why: 'why', do: 'run', argv }] })
      .split('\n')
      .slice(4, -1);

  test.each<[string, Argv, string]>([
    ['a program', ['psql', '-c', 'select 1'], "psql -c 'select 1'"],
    ['a script', ['sh', '-c', 'rm\n$1', 'remove', '/pg/2 x'], "script: remove '/pg/2 x'"],
    [
      'a script that calls a program',
      ['sh', '-c', '"$@"', 'with-password', '/bin/pg_basebackup', '-D', '/pg/2'],
      '/bin/pg_basebackup -D /pg/2  (in a script: with-password)',
    ],
    [
      'programs that it is told and does not call yet',
      ['sh', '-c', '...', 'stop', '/pg', 'pg_controldata', '60', '/bin/pg_ctl', '-D', '/pg', 'stop'],
      '/bin/pg_ctl -D /pg stop  (in a script: stop /pg pg_controldata 60)',
    ],
    [
      'a script in a script',
      [
        'sh',
        '-c',
        'a',
        'again',
        '/pg',
        '60',
        'pg_ctl',
        'l',
        'sh',
        '-c',
        'b',
        'start',
        'l',
        'pg_ctl',
        '-D',
        '/pg',
      ],
      'pg_ctl -D /pg  (in a script: again /pg 60 pg_ctl l)',
    ],
    [
      'what was captured, a text, a password',
      ['sh', '-c', 'a', 'slot', { ref: 'slot' }, 'local all\nhost all', 'password=geheim'],
      `script: slot "$slot" 'local all…' 'password=••••••'`,
    ],
  ])('%s', (_, argv, wanted) => {
    const [line, ...rest] = said(argv);
    expect(line).toBe(`     ${wanted}`);
    expect(rest).toEqual(wanted.includes('script') ? ['', UNDER] : []);
  });

  test('refused', () => {
    const refusals = [
      { message: 'pg2: runs', hint: 'Stop it: `pg_ctl stop`.' },
      { message: 'pg1: unreachable' },
    ];
    expect(text({ refusals })).toBe(
      `
clone pg2 from pg1

It may not be done:
  x pg2: runs
    Stop it: \`pg_ctl stop\`.
  x pg1: unreachable
`.slice(1),
    );
  });

  test('what runs at the same time is said where there are several lanes', () => {
    const step = (lane: string) => ({ node: lane, why: 'reload', do: 'run', argv: ['true'], lane }) as const;
    expect(text({ steps: [step('pg1'), step('pg2')] })).toContain(
      'Steps (those of different lanes at the same time):\n  1. pg1: reload (lane pg1)\n',
    );
    expect(text({ steps: [step('pg1')] })).toContain('\nSteps:\n');
  });

  test('nothing to do', () => {
    expect(text({})).toBe('clone pg2 from pg1\n\nNothing to do.\n');
  });
});
