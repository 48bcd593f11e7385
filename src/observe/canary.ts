import { randomBytes } from 'node:crypto';
import type { Cluster } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import { guestsOf } from '../facts/upstream.ts';
import { positionOf, type PrimaryState, type StandbyState } from '../facts/view.ts';
import { atLeast, parseLsn } from '../facts/lsn.ts';
import { isUp, socketOf, type Up } from '../plan/steps.ts';
import { why } from '../run/runStep.ts';
import { onNodes } from '../run/nodes.ts';
import { hold } from '../run/hold.ts';
import { spawn } from '../run/spawn.ts';
import { ANSWER, READY, readCanary, untilTrue, writeCanary, WRITTEN, type Asked } from '../tools/canary.ts';

/** What became of the row on one standby. `ms` is from the commit to the reading, as we saw both. */
export type Seen = {
  node: string;
  is: 'read' | 'received' | 'not read' | 'delayed' | 'paused' | 'not asked';
  ms: number | null;
  message: string;
};

/** How long a program may take to be ready, in seconds. */
const READY_SECONDS = 10;

/**
 * Writes a row on the primary and waits until every standby has it, all at once. Those that replay late or are
 * paused are told as such and not waited for; of a standby that is no node of the cluster the primary says what it
 * received. Throws nothing: what went wrong is in the answer.
 */
export async function flyCanary(
  cluster: Cluster,
  state: ClusterState,
  primary: PrimaryState,
  seconds: number,
): Promise<{ written: string | undefined; because: string; seen: readonly Seen[] }> {
  const token = randomBytes(8).toString('hex');
  const words = onNodes(cluster, state);
  const readers = standbysOf(state, primary).map((standby) => {
    const told = notWaitedFor(standby);
    return told === undefined
      ? reading(
          standby.node,
          words({ node: standby.node }, readCanary(askedOf(standby), token, seconds)),
          seconds,
        )
      : { ready: Promise.resolve(), read: Promise.resolve(told) };
  });
  await Promise.all(readers.map(({ ready }) => ready));
  const canary = words({ node: primary.node }, writeCanary(socketOf(primary), token));
  const held = await hold(canary, ANSWER, READY_SECONDS + seconds);
  const at = performance.now();
  try {
    const lsn = parseLsn(new RegExp(`${WRITTEN} (\\S+)`).exec(held.stdout)?.[1] ?? '');
    if (lsn === undefined)
      return { written: undefined, because: held.stderr.trim() || 'no answer in time', seen: [] };
    const own = await Promise.all(readers.map(({ read }) => read));
    // Not at the same time: to start a program takes us longer than the row takes.
    const answers = [...own, ...(await guestsSeen(cluster, primary, lsn, seconds, words))];
    return { written: lsn, because: '', seen: answers.map((answer) => since(answer, at)) };
  } finally {
    await held.release();
  }
}

function askedOf(found: Up): Asked {
  return { ...socketOf(found), version: found.server.version };
}

/** Only standbys of the same system, and only those that answer, can be asked. */
function standbysOf(state: ClusterState, primary: PrimaryState): readonly StandbyState[] {
  const system = primary.server.systemIdentifier;
  return state.nodes
    .filter((found): found is StandbyState => found.is === 'standby' && isUp(found))
    .filter(({ server }) => server.systemIdentifier === system);
}

/** An answer, with the moment it came at instead of the delay. */
type Answer = Omit<Seen, 'ms'> & { at?: number };

function notWaitedFor(standby: StandbyState): Answer | undefined {
  const { node, paused, delayMs } = standby;
  if (paused) return { node, is: 'paused', message: `${node}: its replay is paused` };
  if (delayMs === 0) return undefined;
  return { node, is: 'delayed', message: `${node}: replays ${delayMs / 1000} s late, as it is told to` };
}

/** Starts to ask, and is ready when the question is: the start of programs is no part of the delay. */
function reading(
  node: string,
  words: readonly string[],
  seconds: number,
): { ready: Promise<void>; read: Promise<Answer> } {
  let tell = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let said = '';
  const onStderr = (text: string): void => {
    said += text;
    if (said.includes(READY)) tell();
  };
  const read = spawn(words, { seconds: READY_SECONDS + 2 * seconds, onStderr }).then((ended): Answer => {
    const at = performance.now();
    tell();
    if (ended.code === 0) return { node, is: 'read', at, message: '' };
    const because = why({ ...ended, stderr: ended.stderr.replace(/.*NOTICE.*/g, '') });
    return { node, is: 'not read', message: `${node}: the row was not read: ${because}` };
  });
  return { ready, read };
}

/** A standby says what it flushed at once; what it replayed, only now and then. */
async function guestsSeen(
  cluster: Cluster,
  primary: PrimaryState,
  lsn: string,
  seconds: number,
  words: ReturnType<typeof onNodes>,
): Promise<readonly Answer[]> {
  const guests = guestsOf(cluster, primary).filter(
    ({ state }) => state === 'streaming' || state === 'catchup',
  );
  if (guests.length === 0) return [];
  const pids = guests.map(({ pid }) => pid).join(', ');
  const behind = `SELECT FROM pg_stat_replication WHERE pid IN (${pids}) AND (flush_lsn >= '${lsn}') IS NOT TRUE`;
  const poll = words({ node: primary.node }, untilTrue(askedOf(primary), `NOT EXISTS (${behind})`, seconds));
  const { is } = await reading(primary.node, poll, seconds).read;
  if (is === 'read')
    return guests.map(({ applicationName: node }) => ({
      node,
      is: 'received',
      message: `${node}: is no node of the cluster, and said that it received the row`,
    }));
  const names = guests.map(({ applicationName }) => applicationName).join(', ');
  return [
    { node: primary.node, is: 'not read', message: `${primary.node}: not all of ${names} received the row` },
  ];
}

function since({ at, ...answer }: Answer, written: number): Seen {
  return { ...answer, ms: at === undefined ? null : Math.max(0, Math.round((at - written) * 10) / 10) };
}

/** Whether a delayed or paused standby at least has the WAL of the row. */
export function hasReceived(standby: StandbyState, lsn: string): boolean {
  const [position, wanted] = [positionOf(standby), parseLsn(lsn)];
  return position !== undefined && wanted !== undefined && atLeast(position, wanted);
}
