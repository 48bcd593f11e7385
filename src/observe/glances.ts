import type { Node } from '../cluster/types.ts';
import { classify } from '../facts/classify.ts';
import { GLANCE, GLANCE_INSIDE } from '../facts/glance.ts';
import { questions } from '../facts/questions.ts';
import { nodesOf, sectionsOf, type Sections } from '../facts/sections.ts';
import type { NodeState } from '../facts/state.ts';
import { isRunning } from '../facts/view.ts';
import type { Heard } from '../run/hold.ts';
import { onHost } from '../run/host.ts';
import { newToken } from '../run/token.ts';
import { whyUnreachable, wordsOf, type Look } from './looking.ts';

/** Programs that look at one host at the same time: each of them asks its share of the nodes. */
const ABREAST = 3;

/** Seconds without a word after which who waits for its turn is asked by a program of its own. */
const SILENCE = 1;

/** What was seen of a node; undefined where no server runs, or it is one that must be looked at more closely. */
type Glanced = NodeState | undefined;

/**
 * Looks at servers that run, and at nothing else: the nodes of a host together. Each is told as soon as it has
 * answered, and one that never does keeps the others waiting for a second.
 */
export function glances(nodes: readonly Node[], look: Look): ReadonlyMap<string, Promise<Glanced>> {
  return new Map(
    batchesOf(nodes).flatMap((batch) => {
      const seen = glanceAt(batch, look);
      return batch.map(({ name }, at) => [name, seen[at] ?? Promise.resolve(undefined)] as const);
    }),
  );
}

function batchesOf(nodes: readonly Node[]): readonly (readonly Node[])[] {
  const byHost = new Map<string, Node[]>();
  for (const node of nodes) {
    const host = JSON.stringify(node.host);
    byHost.set(host, [...(byHost.get(host) ?? []), node]);
  }
  return [...byHost.values()].flatMap((all) =>
    Array.from({ length: Math.min(ABREAST, all.length) }, (_, share) =>
      all.filter((_node, at) => at % ABREAST === share),
    ),
  );
}

/** A promise for each node of the batch, in its order, which is the one in which the servers are asked. */
function glanceAt(batch: readonly Node[], look: Look): readonly Promise<Glanced>[] {
  const began = performance.now();
  const token = newToken();
  const sql = questions({ sizes: look.sizes ?? false });
  const probe = ['sh', '-c', GLANCE, 'glance', GLANCE_INSIDE, token, sql, ...batch.flatMap(wordsOf)];
  const words = onHost(batch[0]?.host ?? { via: 'local' }, probe);
  const left = (): number => Math.max(1, Math.round(look.seconds - (performance.now() - began) / 1000));
  const alone = batch.length === 1;
  const begun = look.hold(words, `\n${token} node 0\n`, look.seconds);
  let last: Promise<Heard> = begun;
  const looking = batch.map(async (node, at) => {
    const before = last;
    const turn = begun.then(async (held) => {
      const heard = await before;
      if (!isAlive(sectionsAt(held, at, token)) || heard.ended || heard.timedOut) return heard;
      return held.hear((stdout) => hasAnswered(stdout, at, token), alone ? left() : SILENCE);
    });
    last = turn;
    const held = await begun;
    const around = sectionsAt(held, at, token);
    const heard = isAlive(around) ? await turn : held;
    const sections = nodesOf(heard.stdout, token).get(at + 1) ?? '';
    if (sectionsOf(sections, token).one('end') !== undefined)
      return usable(node, classify(node, sections, token));
    const isOthers = around === undefined && nodesOf(held.stdout, token).has(0);
    if (!alone && (isAlive(around) || isOthers)) return glanceAt([node], { ...look, seconds: left() })[0];
    return whyNot(node, heard, token);
  });
  void begun.then(async (held) => {
    await last;
    await held.release();
  });
  return looking;
}

function sectionsAt({ stdout }: Heard, at: number, token: string): Sections | undefined {
  const own = nodesOf(stdout, token).get(at + 1);
  return own === undefined ? undefined : sectionsOf(own, token);
}

function isAlive(at: Sections | undefined): boolean {
  return at?.one('alive') !== undefined;
}

function hasAnswered(stdout: string, at: number, token: string): boolean {
  return (
    nodesOf(stdout, token)
      .get(at + 1)
      ?.includes(`\n${token} end\n`) === true
  );
}

/** Where nobody was named, another role may be a superuser: the whole probe tries them. */
function usable(node: Node, state: NodeState): Glanced {
  return isRunning(state) && !state.server.superuser && node.superuser === undefined ? undefined : state;
}

/** It had all the time there is, or its host cannot be had: asking again would cost as much again. */
function whyNot(node: Node, heard: Heard, token: string): Glanced {
  if (!heard.timedOut && sectionsOf(heard.stdout, token).one('login') !== undefined) return undefined;
  if (!heard.timedOut && heard.stderr.trim() === '') return undefined;
  return {
    node: node.name,
    is: 'unreachable',
    because: `${node.name}: ${whyUnreachable(node, heard)}`,
  };
}
