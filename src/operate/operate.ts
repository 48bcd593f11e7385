import type { Looked } from '../observe/inspect.ts';
import type { ClusterState } from '../facts/state.ts';
import { isUp, socketOf } from '../plan/steps.ts';
import { psql } from '../tools/psql.ts';
import { onNodes } from '../run/nodes.ts';
import { openShells, type Shells } from '../run/shells.ts';
import { hold, type Held } from '../run/hold.ts';
import { whenStarted } from './starting.ts';
import type { Ending, Mode, Planned, Talk, Verb, Work } from './verb.ts';
import { agree } from './agree.ts';
import { lookAgain, lookFirst } from './look.ts';
import { doRounds, type Told } from './rounds.ts';

/** Seconds that a server which is starting may take, where --timeout does not say. */
const STARTING = 120;

/** Every verb that changes something: look, plan, ask, do, look and plan again. */
export async function operate(verb: Verb, mode: Mode, talk: Talk, signal: AbortSignal): Promise<Ending> {
  const began = performance.now();
  const writes = mode.dryRun === undefined && !mode.check;
  const first = await lookFirst({ verb, mode }, writes);
  let onNode = onNodes(verb.cluster, first);
  const shells = openShells(hold, (step, argv) => onNode(step, argv), shellsOf(first.looked));
  const plan: Work['plan'] = (state) => {
    onNode = onNodes(verb.cluster, state);
    return verb.plan(state, shells.ask);
  };
  const work = { verb, mode, talk, signal, plan };
  // What it is about will be asked: the session opens while the plan is made.
  if (writes) {
    const own = new Set(verb.nodes.map(({ name }) => name));
    for (const found of first.nodes)
      if (own.has(found.node) && isUp(found)) shells.warm(found.node, psql(socketOf(found)));
  }
  try {
    const planned = await planFirst(work, first);
    return { ...(await endWith(work, planned, writes, shells)), ms: performance.now() - began };
  } finally {
    await Promise.all([shells.close(), ...first.looked.map(({ release }) => release())]);
  }
}

function shellsOf(looked: readonly Looked[]): ReadonlyMap<string, Held['run']> {
  return new Map(
    looked.flatMap(({ state, shell }) => (shell === undefined ? [] : [[state.node, shell] as const])),
  );
}

/** A server that is starting is waited for. */
async function planFirst(work: Work, first: ClusterState): Promise<Planned> {
  const { mode, talk, signal, plan } = work;
  return whenStarted(
    { plan: await plan(first), state: first },
    {
      plan,
      look: (nodes) => lookAgain(work, nodes),
      say: talk.waiting,
      seconds: mode.timeout ?? STARTING,
      signal,
    },
  );
}

/** Refuses, shows or does what is planned. */
async function endWith(work: Work, planned: Planned, writes: boolean, shells: Shells): Promise<Ending> {
  const { verb, mode, talk } = work;
  const { plan, state } = planned;
  const told = tellerOf(verb, planned);
  await talk.planned(plan, verb, state);
  if (plan.refusals.length > 0)
    return told(plan.unreachable === true ? 'unreachable' : 'refused', state, { error: plan.refusals });
  if (mode.check) return told(plan.steps.length === 0 ? 'unchanged' : 'to-do', state);
  if (!writes) return told('planned', state);
  if (plan.steps.length === 0) return told('unchanged', state);
  return doRounds(work, await agree(work, planned), told, shells);
}

function tellerOf(verb: Verb, { plan, state }: Planned): Told {
  const { steps, refusals } = plan;
  const base = { command: verb.command, changed: false, ms: 0, steps, refusals, error: [], plan, state };
  return async (outcome, now, more = {}) => ({
    ...base,
    outcome,
    nodes: (await verb.rows?.(now)) ?? [],
    ...(verb.extra === undefined ? {} : { extra: verb.extra() }),
    ...more,
  });
}
