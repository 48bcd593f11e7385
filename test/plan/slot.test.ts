import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { planRemoveStandby } from '../../src/plan/removeStandby.ts';
import { planSlotCreate, planSlotDrop } from '../../src/plan/slot.ts';
import {
  attachedPrimary,
  CLUSTER,
  detached,
  place,
  primary,
  setting,
  slot,
  standby,
  stateWith,
  stopped,
  unreachable,
  walsender,
} from '../report/fixtures.ts';

function told({ refusals, steps, confirm = [] }: Plan): { no: string[]; ask: number; steps: string[] } {
  return {
    no: refusals.map(({ message }) => message),
    ask: confirm.length,
    steps: steps.map(({ node, why }) => `${node}: ${why}`),
  };
}

describe('slots', () => {
  const state = stateWith(
    attachedPrimary({
      slots: [
        slot('pg2'),
        slot('pg3', { active: false }),
        slot('old', { active: false }),
        slot('log', { active: false, type: 'logical' }),
      ],
      settings: { max_replication_slots: setting('4') },
    }),
  );
  const roomy = stateWith(attachedPrimary());
  test.each([
    [
      'a new one',
      planSlotCreate(roomy, { node: 'pg1', slot: 'new' }),
      { no: [], ask: 0, steps: ['pg1: the slot new'] },
    ],
    ['one that is there', planSlotCreate(state, { node: 'pg1', slot: 'old' }), { no: [], ask: 0, steps: [] }],
    [
      'a logical one is in the way',
      planSlotCreate(state, { node: 'pg1', slot: 'log' }),
      { no: ['pg1: log is there as a logical slot, and a standby needs a physical one'], ask: 0, steps: [] },
    ],
    [
      'no room',
      planSlotCreate(state, { node: 'pg1', slot: 'new' }),
      {
        no: ['pg1: there is no room for the slot new: max_replication_slots is 4, and so many are there'],
        ask: 0,
        steps: [],
      },
    ],
    [
      'no server',
      planSlotCreate(stateWith(stopped('pg1', false)), { node: 'pg1', slot: 'new' }),
      {
        no: ['pg1: no server answers there, and only a running one can be asked about its slots'],
        ask: 0,
        steps: [],
      },
    ],
    [
      'drop in use',
      planSlotDrop(CLUSTER, state, { node: 'pg1', slot: 'pg2' }),
      { no: ['pg1: the slot pg2 is in use by pg2'], ask: 0, steps: [] },
    ],
    [
      'drop of a node',
      planSlotDrop(CLUSTER, state, { node: 'pg1', slot: 'pg3' }),
      { no: [], ask: 1, steps: ['pg1: drop the slot pg3'] },
    ],
    [
      'drop of nobody',
      planSlotDrop(CLUSTER, state, { node: 'pg1', slot: 'old' }),
      { no: [], ask: 0, steps: ['pg1: drop the slot old'] },
    ],
    [
      'drop logical',
      planSlotDrop(CLUSTER, state, { node: 'pg1', slot: 'log' }),
      { no: [], ask: 1, steps: ['pg1: drop the slot log'] },
    ],
    [
      'drop what is gone',
      planSlotDrop(CLUSTER, state, { node: 'pg1', slot: 'gone' }),
      { no: [], ask: 0, steps: [] },
    ],
  ])('%s', (_, plan, wanted) => {
    expect(told(plan)).toEqual(wanted);
  });
});

describe('remove-standby', () => {
  const rules = (...addresses: readonly string[]): string =>
    addresses.map((address) => `host  replication  replicator  ${address}/32  scram-sha-256\n`).join('');
  const text = `# BEGIN pgrepl: x\n${rules('10.0.0.2', '10.0.0.3')}# END pgrepl\nhost replication all 10.0.0.3/32 md5\n`;
  const withRules = { place: place({ files: { included: [], hba: { path: '/hba', text } } }) };
  const whole = stateWith(attachedPrimary({}, withRules), standby('pg2'), standby('pg3'));
  const plan = (name: string, state = whole, addresses: readonly string[] = []): Plan => {
    const node = CLUSTER.nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(name);
    return planRemoveStandby(CLUSTER, state, { node, role: 'replicator', addresses });
  };
  const dropped = ['pg1: nobody uses the slot pg3', 'pg1: drop the slot pg3'];
  const removed = [
    ...dropped,
    'pg1: it is let in no longer',
    'pg1: when its files were read last',
    'pg1: reload',
    'pg1: the files are read anew',
  ];

  test('stop, slot, rules; only of our block, and only its own', () => {
    const made = plan('pg3', whole, ['10.0.0.3']);
    expect(told(made)).toEqual({ no: [], ask: 1, steps: ['pg3: stop the server', ...removed] });
    const written = made.steps.find((step) => step.do === 'write');
    expect(written).toMatchObject({
      content: [
        expect.stringContaining(
          rules('10.0.0.2') + '# END pgrepl\nhost replication all 10.0.0.3/32 md5\n',
        ) as string,
      ],
    });
    expect(made.notes).toEqual([
      'pg3: its data stay in /pg/data; remove them when nobody needs them',
      'pg3: take it out of pgrepl.yaml',
    ]);
  });
  test('a slot and a rule at another standby go too', () => {
    const below = standby('pg2', withRules, { slots: [slot('pg3', { active: false })] });
    const made = plan('pg3', stateWith(attachedPrimary(), below, standby('pg3')), ['10.0.0.3']);
    expect(told(made).steps).toEqual([
      'pg3: stop the server',
      ...dropped,
      'pg2: nobody uses the slot pg3',
      'pg2: drop the slot pg3',
      'pg2: it is let in no longer',
      'pg2: when its files were read last',
      'pg2: reload',
      'pg2: the files are read anew',
    ]);
  });
  test.each([
    [
      'an address that others have',
      plan('pg3'),
      { no: [], ask: 1, steps: ['pg3: stop the server', ...dropped] },
    ],
    [
      'the primary',
      plan('pg1'),
      { no: ['pg1: is the primary, and no standby that could be removed'], ask: 0, steps: [] },
    ],
    [
      'one that others stream from',
      plan(
        'pg2',
        stateWith(
          primary('pg1', { walsenders: [walsender('pg2')] }),
          standby('pg2', {}, { walsenders: [walsender('pg3'), walsender('backup2')] }),
          standby('pg3'),
        ),
      ),
      {
        no: [
          'pg2: pg3 streams from it',
          'pg2: backup2, which is no node of the cluster, receives WAL from it',
        ],
        ask: 0,
        steps: [],
      },
    ],
    [
      'gone with its host',
      plan(
        'pg3',
        stateWith(
          attachedPrimary({
            walsenders: [walsender('pg2')],
            slots: [slot('pg2'), slot('pg3', { active: false })],
          }),
          standby('pg2'),
          unreachable('pg3'),
        ),
      ),
      { no: [], ask: 1, steps: dropped },
    ],
    [
      'unreachable from here, and running',
      plan('pg3', stateWith(attachedPrimary(), standby('pg2'), unreachable('pg3'))),
      { no: ['pg3: cannot be looked at from here, and pg1 streams to it: it runs'], ask: 0, steps: [] },
    ],
    [
      'the primary that stopped last',
      plan('pg1', stateWith(stopped('pg1', false), detached('pg2'), detached('pg3'))),
      { no: ['pg1: was the primary when it stopped, and no other node takes writes'], ask: 0, steps: [] },
    ],
    [
      'again',
      plan(
        'pg3',
        stateWith(
          attachedPrimary({ walsenders: [walsender('pg2')], slots: [slot('pg2')] }),
          standby('pg2'),
          stopped('pg3', true),
        ),
      ),
      { no: [], ask: 0, steps: [] },
    ],
  ])('%s', (_, made, wanted) => {
    expect(told(made)).toEqual(wanted);
  });
  test('what is not done is told', () => {
    const { notes = [] } = plan(
      'pg3',
      stateWith(attachedPrimary({ walsenders: [] }), unreachable('pg2'), unreachable('pg3')),
    );
    expect(notes.slice(0, 2)).toEqual([
      'pg3: cannot be looked at: its server was not stopped, and its data were not looked for',
      'pg2: does not answer; a slot or a rule for pg3 may be left there',
    ]);
  });
});
