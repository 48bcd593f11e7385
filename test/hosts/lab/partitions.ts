import { expect } from 'vitest';
import type { Writer } from '../../e2e/support/writer.ts';
import type { TheCluster } from './cluster.ts';
import { heed } from './heed.ts';
import { story, type Lab } from './lab.ts';
import { trio } from './tree.ts';

/** No verb may wait for a host that is gone longer than this and its --timeout, in milliseconds. */
const PATIENCE = 120_000;

/** `cut`: the cable is pulled; `drop`: packets are dropped, and nothing answers. */
export type How = 'cut' | 'drop';
type When = 'before' | 'during' | 'after';

type Deed = {
  /** What makes room for the verb; nothing happens to the network in it. */
  first?: (shop: TheCluster) => Promise<unknown>;
  /** The verb that is hurt. */
  words: readonly string[];
  /** The host that is out of reach. */
  host: string;
  /** Who takes writes when it has arrived. */
  primary: string;
};

/** Every verb that changes something, on three nodes whose primary is pg1 in the beginning and in the end. */
const DEEDS: readonly Deed[] = [
  { words: ['remove-standby', 'pg3', '--yes'], host: 'pg3', primary: 'pg1' },
  { first: emptied, words: ['init-primary', 'pg1'], host: 'pg1', primary: 'pg1' },
  { words: ['clone-standby', 'pg3'], host: 'pg3', primary: 'pg1' },
  { words: ['follow', 'pg3', '--upstream', 'pg2'], host: 'pg2', primary: 'pg1' },
  { words: ['follow', 'pg3', '--upstream', 'pg1'], host: 'pg3', primary: 'pg1' },
  { words: ['slot', 'create', 'pg1', 'another'], host: 'pg1', primary: 'pg1' },
  { words: ['slot', 'drop', 'pg1', 'another', '--yes'], host: 'pg1', primary: 'pg1' },
  { words: ['switchover', 'pg2'], host: 'pg2', primary: 'pg2' },
  { words: ['switchover', 'pg1'], host: 'pg2', primary: 'pg1' },
  { first: stopped, words: ['promote', 'pg2'], host: 'pg2', primary: 'pg2' },
  { words: ['rejoin', 'pg1', '--yes'], host: 'pg1', primary: 'pg2' },
  { words: ['switchover', 'pg1'], host: 'pg1', primary: 'pg1' },
];

function emptied(shop: TheCluster): Promise<unknown> {
  return shop.hosts['pg3']?.exec(['rm', '-rf', shop.pgdata('pg3')]) ?? Promise.reject(new Error('pg3'));
}

function stopped(shop: TheCluster): Promise<unknown> {
  const host = shop.hosts['pg1'];
  if (host === undefined) throw new Error('pg1');
  const pgCtl = `/usr/lib/postgresql/${host.major}/bin/pg_ctl`;
  return host.exec([pgCtl, '-D', shop.pgdata('pg1'), '-m', 'fast', '-w', 'stop']);
}

/** A host is out of reach before, in and after each verb; when it is back, the verb arrives, and nothing is lost. */
export function partitions(how: How, when: When): void {
  story(
    `a host is out of reach (${how}) ${when} each verb that changes something`,
    async (lab) => {
      const shop = await trio(lab);
      const writer = await shop.writer();
      for (const deed of DEEDS) {
        await deed.first?.(shop);
        await HURT[when](lab, shop, deed, how);
        await shop.arrives(...deed.words);
        expect(await shop.takesWrites(), deed.words.join(' ')).toEqual([deed.primary]);
        await soundAfter(shop, deed, writer);
      }
      await shop.endsWell('pg1', writer);
    },
    { seconds: 1200 },
  );
}

type Hurt = (lab: Lab, shop: TheCluster, deed: Deed, how: How) => Promise<void>;

const HURT: Readonly<Record<When, Hurt>> = { before, during, after };

async function before(lab: Lab, shop: TheCluster, deed: Deed, how: How): Promise<void> {
  await wounded(lab, shop, deed, how);
  const ended = await shop.tries(...deed.words, '--timeout', '15');
  expect(ended.ms, deed.words.join(' ')).toBeLessThan(PATIENCE);
  expect(ended.code, 'without a word of it').not.toBe(1);
  await isHealed(shop, deed);
}

async function during(lab: Lab, shop: TheCluster, deed: Deed, how: How): Promise<void> {
  let wound: Promise<unknown> | undefined;
  const hurt = (): void => void (wound = wounded(lab, shop, deed, how));
  const ended = await shop.startsTelling(hurt, ...deed.words, '--timeout', '15').ended;
  expect(ended.ms, deed.words.join(' ')).toBeLessThan(PATIENCE);
  expect(ended.code, ended.stderr).not.toBe(1);
  expect(wound, `${deed.words.join(' ')} did nothing: ${ended.stderr}`).toBeDefined();
  await wound;
  lab.figure({ [ended.code === 0 ? 'endedBeforeTheCut' : 'cutWithin']: 1 });
  await isHealed(shop, deed);
}

async function after(lab: Lab, shop: TheCluster, deed: Deed, how: How): Promise<void> {
  await shop.arrives(...deed.words);
  await wounded(lab, shop, deed, how);
  const { status } = await shop.status();
  expect(status, 'status with a host out of reach').toBe(9);
  await isHealed(shop, deed);
}

async function wounded(lab: Lab, shop: TheCluster, { host }: Deed, how: How): Promise<void> {
  await shop.hosts[host]?.[how]();
  lab.said.push(`${host} is out of reach (${how})`);
  lab.figure({ partitions: 1 });
}

async function isHealed(shop: TheCluster, { host, words }: Deed): Promise<void> {
  expect((await shop.takesWrites()).length, `never two at once: ${words.join(' ')}`).toBeLessThan(2);
  await shop.hosts[host]?.heal();
  // A standby connects again within its own time, and a switchover to it is refused until then.
  if (words[0] === 'switchover')
    await shop.until(async () => (await shop.tries(...words, '--check')).code !== 3, 'it streams again');
}

/** Of these something is out of its place on purpose, which the next deed mends. */
const UNFINISHED = ['remove-standby', 'init-primary', 'promote', 'slot create', 'follow pg3 --upstream pg2'];

/** Everything streams again, once what status says of a standby that could not be reached is done. */
async function soundAfter(shop: TheCluster, { words }: Deed, writer: Writer): Promise<void> {
  await writer.acknowledges(5, 90);
  if (UNFINISHED.some((each) => words.join(' ').startsWith(each))) return;
  await heed(shop);
  await shop.healthy();
}
