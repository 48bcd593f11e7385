import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/facts/state.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { planAsShell } from '../../src/report/planShell.ts';
import { empty, slot, unreachable, walsender } from '../report/fixtures.ts';
import {
  golden,
  major,
  pg1,
  pg2,
  pg3,
  place,
  planFor,
  settings,
  shutDown,
  silent,
  TO_PG2,
  whole,
  whys,
} from './support/switchover.ts';

const recovery = {
  path: '/pg/data/recovery.conf',
  text: "standby_mode = 'on'\nprimary_conninfo = 'host=10.0.0.1'\n",
};
const old = place({ files: { recovery, included: [] } });

/** Good plans, whole. */
const GOLDEN: readonly (readonly [string, Plan])[] = [
  ['three-nodes', planFor(whole())],
  ['no-password', planFor(whole(), { password: false })],
  [
    'no-alter-system',
    planFor(
      whole(
        ...[
          pg1(settings({ allow_alter_system: 'off' })),
          pg2({}, settings({ allow_alter_system: 'off' })),
          pg3({}, settings({ allow_alter_system: 'off' })),
        ],
      ),
    ),
  ],
  ['of-12', planFor(whole(pg1(major(12)), pg2({}, major(12)), pg3({}, major(12))))],
  ['of-10', planFor(whole(pg1(major(10)), pg2({ place: old }, major(10)), pg3({ place: old }, major(10))))],
  [
    'systemd-by-sudo',
    planFor(
      whole(
        pg1(
          {},
          {
            place: place({ service: { by: 'systemd', unit: 'postgresql-17.service' } }),
            machine: { ...pg1().machine, login: 'admin', become: 'postgres', by: 'sudo', systemd: true },
          },
        ),
      ),
    ),
  ],
];

test.each(GOLDEN)('the plan %s', async (name, plan) => {
  expect(plan.refusals).toEqual([]);
  await expect(golden(plan)).toMatchFileSnapshot(`golden/switchover-${name}.txt`);
  const script = planAsShell(plan, (_node, argv) => argv);
  expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect(script).not.toContain('hunter2');
});

describe('of every swap', () => {
  test.each(GOLDEN)(
    '%s: the old primary can only come back as a standby, and nothing is undone late',
    (_name, plan) => {
      const all = whys(plan);
      const at = (why: RegExp): number => all.findIndex((each) => why.test(each));
      expect(at(/^pg1: at its next start it is a standby$/)).toBeLessThan(at(/^pg1: stop the primary/));
      expect(at(/^pg1: stop the primary/)).toBeLessThan(at(/replayed every byte/));
      expect(plan.pointOfNoReturn).toBe(at(/^pg2: promote$/));
      expect(at(/replayed every byte/)).toBe((plan.pointOfNoReturn ?? 0) - 1);
      expect(at(/^pg1: start it as a standby$/)).toBeGreaterThan(at(/^pg2: promote$/));
      expect((plan.undo ?? []).map(({ why }) => why)).not.toContainEqual(expect.stringContaining('promote'));
    },
  );

  test('the outage is bounded by what the user gives, and by a minute', () => {
    const bound = planFor(whole()).steps.filter(({ why }) =>
      /replayed every byte|shutdown checkpoint/.test(why),
    );
    expect(bound.map((step) => ('seconds' in step ? step.seconds : 0))).toEqual([65, 60]);
  });

  test('what is cut and who is left alone is told', () => {
    const notes = (...changed: readonly NodeState[]) => planFor(whole(...changed)).notes ?? [];
    expect(notes(pg1({ sessions: 3 }))).toEqual(['pg1: 3 sessions are cut']);
    expect(notes(pg1({ sessions: 1 }), unreachable('pg3'))).toEqual([
      'pg1: 1 session is cut',
      'pg3: cannot be looked at and is left alone; pgrepl follow pg3 --upstream pg2 when it is back',
    ]);
    expect(notes(silent('pg3', 'FATAL:  the database system is starting up'))[0]).toMatch(
      /^pg3: does not answer and is left alone/,
    );
    expect(notes(shutDown('pg3', '0/1', true))[0]).toMatch(/^pg3: does not run and is left alone/);
    expect(notes(empty('pg3'))).toEqual([]);
    const logical = settings({ wal_level: 'logical' });
    expect(notes(pg1(logical), pg2({}, settings({ wal_level: 'replica' })))).toEqual([
      'pg2: its wal_level is replica, and pg1 has logical: nobody can subscribe to it; it needs a restart to change that',
    ]);
    expect(notes(pg1(logical), pg2({}, logical))).toEqual([]);
    const slots = [slot('pg2'), slot('pg3'), slot('mine', { type: 'logical' })];
    expect(notes(pg1({ slots }))).toEqual([
      'pg1: the logical slot mine stays there: its subscriber gets nothing more',
    ]);
    expect(notes(pg1({ slots }), pg2({}, { slots: [slot('mine', { type: 'logical' })] }))).toEqual([]);
  });
});

describe('who is moved', () => {
  const moved = (state: ReturnType<typeof whole>) =>
    whys(planFor(state)).includes('pg3: it follows 10.0.0.2:5432');

  test('a sibling is, a cascade below the candidate or below a sibling is not', () => {
    expect(moved(whole())).toBe(true);
    const below = { walsenders: [walsender('pg3')], slots: [slot('pg3')] };
    expect(moved(whole(pg1({ walsenders: [walsender('pg2')], slots: [slot('pg2')] }), pg2({}, below)))).toBe(
      false,
    );
  });

  test('one of another system is not', () => {
    expect(moved(whole(pg3({}, { systemIdentifier: '1' })))).toBe(false);
  });

  test('one that an earlier run moved and left there is moved back by the undo', () => {
    const marked = place({ signals: ['standby.signal'] });
    const state = whole(
      pg1({ walsenders: [walsender('pg2')], slots: [slot('pg2'), slot('pg3')] }, { place: marked }),
      pg2({}, { walsenders: [walsender('pg3')], slots: [slot('pg3'), slot('pg1')] }),
      pg3({ conninfo: 'host=10.0.0.2 port=5432 user=replicator' }),
    );
    const plan = planFor(state);
    expect(whys(plan)).not.toContain('pg3: it follows 10.0.0.2:5432');
    expect((plan.undo ?? []).map(({ node, why }) => `${node}: ${why}`)).toContain(
      'pg3: it follows 10.0.0.1:5432',
    );
  });
});

test('a candidate that streams from a cascade is refused', () => {
  const state = whole(
    pg1({ walsenders: [walsender('pg3')] }),
    pg2({ conninfo: 'host=10.0.0.3' }),
    pg3({}, { walsenders: [walsender('pg2')] }),
  );
  expect(planFor(state).refusals.map(({ message }) => message)).toEqual(['pg2: does not stream from pg1']);
});

describe('before 13 a connection counts from the next start on', () => {
  /** What a run leaves that was killed between the file and the restart of pg3: it streams from pg1 still. */
  const written = { conninfo: TO_PG2, slot: 'pg3' };
  const withSlot = { slots: [slot('pg3', { active: false })] };

  test.each([11, 12])('of %i: what was written alone is followed by the restart', (number) => {
    const plan = planFor(
      whole(pg1(major(number)), pg2({}, { ...major(number), ...withSlot }), pg3(written, major(number))),
    );
    expect(whys(plan)).toContainEqual(expect.stringMatching(/^pg3: restart/));
  });

  test.each([
    ['13 has taken it', 13, []],
    ['the upstream shows it', 12, [walsender('pg3')]],
  ] as const)('%s: no restart', (_what, number, walsenders) => {
    const below = { ...withSlot, walsenders };
    const plan = planFor(
      whole(pg1(major(number)), pg2({}, { ...major(number), ...below }), pg3(written, major(number))),
    );
    expect(whys(plan)).not.toContainEqual(expect.stringMatching(/^pg3: (restart|it follows)/));
  });
});
