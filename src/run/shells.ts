import type { Step } from '../plan/plan.ts';
import { isPsql } from '../tools/psql.ts';
import type { Ask } from './asking.ts';
import { openPsqls, type Psqls } from './psqls.ts';
import type { Held, Hold } from './hold.ts';
import { spawn, type Spawned } from './spawn.ts';

export type Quick = (
  step: Step,
  argv: readonly string[],
  options: { stdin: string; seconds: number },
) => Promise<Spawned>;

export type Shells = {
  quick: Quick;
  /** In the node's shell or session while nobody else is in it, else in a process of its own. */
  ask: Ask;
  /** Opens the session of these words, or what these steps will ask, so that nobody waits for it. */
  warm: (node: string, argv: readonly string[]) => void;
  warmFor: (steps: readonly Step[]) => void;
  /** Nodes whose shell went with a command that took too long, and the lock that it held with it. */
  lost: () => readonly string[];
  close: () => Promise<void>;
};

/** Seconds that a host has to give us a shell. */
const OPENING = 20;

/**
 * One shell for each node and user, opened when it is first needed and kept: a step then costs a fork on its host,
 * not a login, a change of user and a start of Node's own. Lanes have shells of their own, so that they do not wait
 * for each other, but for the lane that is named for the node. `given` are shells that are open already: those of the
 * locked nodes. Questions to a server go to a psql of their own, which is kept too.
 */
export function openShells(
  hold: Hold,
  onNode: (step: Pick<Step, 'node' | 'asLogin'>, argv: readonly string[]) => readonly string[],
  given: ReadonlyMap<string, Held['run']>,
): Shells {
  const opened = new Map<string, Promise<Held>>();
  /** Shells that died with a command that took too long; another one is opened in their place. */
  const dead = new Set<string>();
  const psqls = openPsqls(onNode);
  const ask = asker(onNode, given, dead, psqls);
  const quick: Quick = async (step, argv, options) => {
    if (isPsql(argv)) return psqls.ask(step, argv, options);
    try {
      return await inShell(step, argv, options);
    } finally {
      psqls.doubt(step.node);
    }
  };
  const inShell: Quick = async (step, argv, options) => {
    const isOwn = step.lane === undefined || step.lane === step.node;
    const own = step.asLogin === true || !isOwn ? undefined : given.get(step.node);
    if (own !== undefined && !dead.has(step.node)) {
      const answer = await own(argv, options);
      if (answer.code === undefined) dead.add(step.node);
      return answer;
    }
    const key = `${step.node} ${step.asLogin === true ? 'login' : 'owner'} ${step.lane ?? ''}`;
    const shell =
      opened.get(key) ?? hold(onNode(step, ['sh', '-c', 'echo @open; exec sh']), '@open', OPENING);
    opened.set(key, shell);
    const held = await shell;
    if (!held.ended && !held.timedOut) {
      const answer = await held.run(argv, options);
      if (answer.code === undefined) opened.delete(key);
      return answer;
    }
    opened.delete(key);
    return { code: undefined, stdout: '', stderr: held.stderr, timedOut: held.timedOut, ms: 0 };
  };
  const close = async (): Promise<void> => {
    await Promise.all([psqls.close(), ...[...opened.values()].map(async (shell) => (await shell).release())]);
  };
  const warm: Shells['warm'] = (node, argv) => psqls.open({ node }, argv);
  const warmFor: Shells['warmFor'] = (steps) => {
    for (const step of steps) {
      if (step.do === 'write') continue;
      const words = step.argv.filter((word) => typeof word === 'string');
      if (words.length === step.argv.length && isPsql(words)) psqls.open(step, words);
    }
  };
  return { quick, ask, warm, warmFor, lost: () => [...dead], close };
}

/** Questions that are asked side by side do not wait for each other in one shell. */
function asker(
  onNode: (step: Pick<Step, 'node'>, argv: readonly string[]) => readonly string[],
  given: ReadonlyMap<string, Held['run']>,
  dead: Set<string>,
  psqls: Psqls,
): Ask {
  const busy = new Set<string>();
  return async (node, argv, { stdin = '', seconds }) => {
    if (isPsql(argv)) return psqls.ask({ node }, argv, { stdin, seconds });
    const own = busy.has(node) || dead.has(node) ? undefined : given.get(node);
    if (own === undefined) return spawn(onNode({ node }, argv), { stdin, seconds });
    busy.add(node);
    try {
      const answer = await own(argv, { stdin, seconds });
      if (answer.code === undefined) dead.add(node);
      return answer;
    } finally {
      busy.delete(node);
    }
  };
}
