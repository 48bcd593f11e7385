import { expect, test } from 'vitest';
import type { Node } from '../../src/cluster/types.ts';
import { inspect } from '../../src/observe/inspect.ts';
import type { Held } from '../../src/run/hold.ts';
import { CLUSTER } from '../report/fixtures.ts';

/** What a host had said when its connection ended, or its time was over. */
async function looked(sections: readonly string[], timedOut = false, stderr = ''): Promise<unknown> {
  const [first] = CLUSTER.nodes;
  if (first === undefined) throw new Error('no node');
  const node: Node = { ...first, pgdata: '/pg/data', host: { via: 'local' } };
  const hold = (_words: readonly string[], until: string): Promise<Held> => {
    const token = until.trim().split(' ')[0] ?? '';
    const stdout = sections.map((section) => `\n${token} ${section}`).join('');
    const nothing = () => Promise.reject(new Error('nothing is run'));
    return Promise.resolve({
      stdout,
      stderr,
      ended: !timedOut,
      timedOut,
      run: nothing,
      hear: nothing,
      release: async () => undefined,
    });
  };
  const { nodes } = await inspect({ ...CLUSTER, nodes: [node] }, { hold, seconds: 1 });
  return nodes[0];
}

const BEGUN = ['login\npostgres', 'became\npostgres', 'exists\nPG_VERSION', 'pgversion\n17'];
const unreachable = (because: string) => ({ node: 'pg1', is: 'unreachable', because });

test.each([
  ['before it said whether a server runs', BEGUN, false, ''],
  ['in the middle of what the server says', [...BEGUN, 'alive\nyes', 'answer\n{"version": 1700'], false, ''],
  ['with files that are not all there', [...BEGUN, 'alive\nyes', 'conf /etc/x\nport = 1'], false, ''],
])('an answer that broke off %s is none', async (_what, sections, timedOut, stderr) => {
  expect(await looked(sections, timedOut, stderr)).toEqual(
    unreachable('pg1: its answer broke off: this host: the connection ended'),
  );
});

test('and its reason is told', async () => {
  expect(await looked([...BEGUN, 'conf /etc/x\n'], true, 'no answer within 1 s')).toEqual(
    unreachable('pg1: its answer broke off: this host: no answer within 1 s'),
  );
});

test('a server that does not answer is none that is out of reach', async () => {
  expect(await looked([...BEGUN, 'alive\nyes'], true)).toMatchObject({ node: 'pg1', is: 'mute' });
});
