import { failure, type Problem } from '../errors.ts';
import { isStarting, recoveryOf, type MuteState } from '../facts/mute.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Plan } from '../plan/plan.ts';
import { pauseFor } from '../run/pause.ts';
import type { Planned } from './verb.ts';

/** What waiting for a server needs of the pipeline. */
export type Waiting = {
  plan: (state: ClusterState) => Plan | Promise<Plan>;
  /** Looks again at these nodes, or at all. */
  look: (nodes?: readonly string[]) => Promise<ClusterState>;
  say: (line: string) => void;
  /** Seconds that a server may take. */
  seconds: number;
  signal: AbortSignal;
};

const PAUSE_MS = 300;

/**
 * A server that starts, or recovers, takes no connections (57P03, canAcceptConnections() in postmaster.c), and does so
 * in a while. Where the plan is refused because of one, it is waited for and planned again. Where the time is over,
 * the plan says how far the recovery is. Throws `interrupted`.
 */
export async function whenStarted(first: Planned, waiting: Waiting): Promise<Planned> {
  const deadline = performance.now() + waiting.seconds * 1000;
  const told = new Set<string>();
  let now = first;
  for (;;) {
    const awaited = awaitedOf(now);
    if (awaited.length === 0) return now;
    for (const { node, because } of awaited) {
      if (!told.has(node))
        waiting.say(`${node}: ${because}; waiting up to ${waiting.seconds} s until it answers`);
      told.add(node);
    }
    if (performance.now() > deadline) return { ...now, plan: late(now, awaited, waiting.seconds) };
    await pauseFor(PAUSE_MS);
    if (waiting.signal.aborted)
      throw failure('interrupted', 'interrupted while a server was starting: nothing was changed');
    now = await again(now, awaited, waiting);
  }
}

type Awaited = { node: string; because: string; mute?: MuteState };

/** What a server says that was asked by libpq alone. */
const SAID = /the database system is (starting up|not yet accepting connections|in recovery mode)/;

function awaitedOf({ plan, state }: Planned): readonly Awaited[] {
  const mute = state.nodes
    .filter(isStarting)
    .filter(({ node }) => plan.refusals.some(({ message }) => names(message, node)))
    .map((found) => ({ node: found.node, because: 'its server is starting', mute: found }));
  if (mute.length > 0) return mute;
  return plan.refusals.flatMap(({ message }) => {
    const said = SAID.exec(message)?.[0];
    return said === undefined ? [] : [{ node: message.split(': ')[0] ?? '', because: said }];
  });
}

function names(message: string, node: string): boolean {
  return message.split(/[\s:,()]+/).includes(node);
}

/** All are looked at anew, and planned for, only where those that were waited for are there. */
async function again(now: Planned, awaited: readonly Awaited[], waiting: Waiting): Promise<Planned> {
  const nodes = awaited.filter(({ mute }) => mute !== undefined).map(({ node }) => node);
  if (nodes.length > 0) {
    const seen = await waiting.look(nodes);
    const state = {
      nodes: now.state.nodes.map((found) => seen.nodes.find(({ node }) => node === found.node) ?? found),
    };
    if (seen.nodes.some(isStarting)) return { plan: now.plan, state };
  }
  const state = await waiting.look();
  return { plan: await waiting.plan(state), state };
}

function late({ plan }: Planned, awaited: readonly Awaited[], seconds: number): Plan {
  const hint = 'Run this again when it answers, or have it wait longer with --timeout SECONDS.';
  const problems: readonly Problem[] = awaited.map(({ node, because, mute }) => {
    const far = mute === undefined ? undefined : recoveryOf(mute);
    return {
      message: `${node}: ${because}, still after ${seconds} s${far === undefined ? '' : `: ${far}`}`,
      hint,
    };
  });
  return { ...plan, refusals: [...plan.refusals, ...problems], unreachable: true };
}
