import type { TheCluster } from './cluster.ts';
import type { Host } from './host.ts';

/** A primary with standbys, and verbs that something happens to. */
export type Mayhem = {
  /** Runs a verb that something happens to, until it has arrived; true where it was at work then. */
  hurt: (...words: readonly string[]) => Promise<boolean>;
  shop: TheCluster;
  /** Who takes writes, after what was done. */
  primary: string;
  /** Numbers from 0 up to 1. */
  next: () => number;
};

/** What may be done, all of it with every verb that changes something; each hurts one of its verbs. */
const DEEDS: readonly ((scene: Mayhem) => Promise<boolean>)[] = [
  switchover,
  switchover,
  rebuild,
  rebuild,
  failover,
  failover,
  follow,
  slots,
];

/** One of them, chosen by chance; true where pgrepl was at work when it was hurt. */
export async function somethingHappens(scene: Mayhem): Promise<boolean> {
  const deed = DEEDS[Math.floor(scene.next() * DEEDS.length)] ?? switchover;
  return deed(scene);
}

/** These verbs one after the other, of which one is hurt. */
async function oneIsHurt(
  { shop, next, hurt }: Mayhem,
  verbs: readonly { words: readonly string[]; before?: () => Promise<unknown> }[],
): Promise<boolean> {
  const victim = Math.floor(next() * verbs.length);
  let wasAtWork = false;
  for (const [at, { words, before }] of verbs.entries()) {
    await before?.();
    if (at === victim) wasAtWork = await hurt(...words);
    else await shop.does(...words);
  }
  return wasAtWork;
}

async function switchover(scene: Mayhem): Promise<boolean> {
  scene.primary = aStandby(scene);
  return oneIsHurt(scene, [{ words: ['switchover', scene.primary] }]);
}

/** A standby goes for good, and a new one comes to its place. */
async function rebuild(scene: Mayhem): Promise<boolean> {
  const { shop, primary } = scene;
  const standby = aStandby(scene);
  const remove = (): Promise<unknown> => hostOf(scene, standby).exec(['rm', '-rf', shop.pgdata(standby)]);
  return oneIsHurt(scene, [
    { words: ['remove-standby', standby, '--yes'] },
    { words: ['init-primary', primary], before: remove },
    { words: ['clone-standby', standby, '--from', primary] },
  ]);
}

/** The primary stops, a standby is promoted, and the old one comes back. */
async function failover(scene: Mayhem): Promise<boolean> {
  const { shop, primary: old } = scene;
  scene.primary = aStandby(scene);
  const { major } = hostOf(scene, old);
  const stop = [
    `/usr/lib/postgresql/${major}/bin/pg_ctl`,
    '-D',
    shop.pgdata(old),
    '-m',
    'fast',
    '-w',
    'stop',
  ];
  await hostOf(scene, old).exec(stop);
  return oneIsHurt(scene, [{ words: ['promote', scene.primary] }, { words: ['rejoin', old, '--yes'] }]);
}

/** A standby streams from another one, and from the primary again. */
async function follow(scene: Mayhem): Promise<boolean> {
  const standby = aStandby(scene);
  const other =
    Object.keys(scene.shop.hosts).find((name) => name !== standby && name !== scene.primary) ?? '';
  return oneIsHurt(scene, [
    { words: ['follow', standby, '--upstream', other] },
    { words: ['follow', standby, '--upstream', scene.primary] },
  ]);
}

async function slots(scene: Mayhem): Promise<boolean> {
  return oneIsHurt(scene, [
    { words: ['slot', 'create', scene.primary, 'another'] },
    { words: ['slot', 'drop', scene.primary, 'another', '--yes'] },
  ]);
}

function aStandby({ shop, primary, next }: Mayhem): string {
  const standbys = Object.keys(shop.hosts).filter((name) => name !== primary);
  return standbys[Math.floor(next() * standbys.length)] ?? '';
}

function hostOf({ shop }: Mayhem, name: string): Host {
  const host = shop.hosts[name];
  if (host === undefined) throw new Error(`there is no node ${name}`);
  return host;
}
