import type { Cluster, Node } from '../cluster/types.ts';
import { onHost } from '../run/host.ts';
import type { Held } from '../run/hold.ts';
import { classify } from '../facts/classify.ts';
import { LOOK, PROBE } from '../facts/probe.ts';
import { questions } from '../facts/questions.ts';
import { sectionsOf, type Sections } from '../facts/sections.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { newToken } from '../run/token.ts';
import { glances } from './glances.ts';
import { hasPlace, whyUnreachable, wordsOf, type Look } from './looking.ts';

/** A node as it was found, and its lock where one was taken. `release` lets it go; so does our end. */
export type Looked = {
  state: NodeState;
  lockedBy?: string;
  /** The shell that a locked node's probe became: the owner's, on the node's host. */
  shell?: Held['run'];
  release: () => Promise<void>;
};

const nothing = async (): Promise<void> => undefined;

/** Looks at one node. A node that cannot be looked at is a state like another. */
async function lookAt(node: Node, look: Look): Promise<Looked> {
  if (!hasPlace(node)) {
    return {
      state: { node: node.name, is: 'unreachable', because: `${node.name}: only its port is known` },
      release: nothing,
    };
  }
  const token = newToken();
  const [pgdata, debian, bindir, superuser] = wordsOf(node);
  const sql = questions({ sizes: look.sizes ?? false });
  const lock = look.lock?.(node) ?? '';
  const probe = ['sh', '-c', PROBE, 'probe', LOOK, token];
  const words = onHost(node.host, [...probe, pgdata, debian, bindir, lock, sql, superuser]);
  const held = await look.hold(words, `\n${token} end`, look.seconds);
  const looked = await read(node, held, token, look);
  const over = takenOver(looked.lockedBy, node, look);
  return over === undefined ? looked : lookAt(node, over);
}

/**
 * A holder whose pgrepl is dead is one whose connection was cut: sshd lets its shell live on until the kernel gives
 * the connection up, which may take hours. It is ended, once, by who knows that its pgrepl is dead.
 */
function takenOver(lockedBy: string | undefined, node: Node, look: Look): Look | undefined {
  const shell = /, shell (\d+)$/.exec(lockedBy ?? '')?.[1];
  const lock = look.lock?.(node);
  if (lockedBy === undefined || shell === undefined || lock === undefined) return undefined;
  if (lock.startsWith('!') || look.isOver?.(lockedBy) !== true) return undefined;
  return { ...look, lock: () => `!${shell} ${lock}` };
}

async function read(node: Node, held: Held, token: string, look: Look): Promise<Looked> {
  const at = sectionsOf(held.stdout, token);
  const busy = at.one('locked')?.match(/^no (.*)$/s)?.[1];
  const complete = at.one('end') !== undefined;
  if (look.lock?.(node) === undefined || busy !== undefined || !complete) await held.release();
  if (!complete && busy === undefined && at.one('became') === undefined && at.one('login') === undefined) {
    return {
      state: { node: node.name, is: 'unreachable', because: `${node.name}: ${whyUnreachable(node, held)}` },
      release: nothing,
    };
  }
  if (isBrokenOff(at, held.timedOut)) {
    const said = whyUnreachable(node, { ...held, stderr: held.stderr || 'the connection ended' });
    const because = `${node.name}: its answer broke off: ${said}`;
    return { state: { node: node.name, is: 'unreachable', because }, release: held.release };
  }
  const state = classify(node, held.stdout, token);
  return {
    state: state.is === 'unreachable' && held.stdout.trim() !== '' ? withOutput(state, held.stderr) : state,
    ...(busy === undefined ? {} : { lockedBy: busy.trim() || 'somebody' }),
    ...(look.lock?.(node) !== undefined && complete ? { shell: held.run } : {}),
    release: held.release,
  };
}

/**
 * Half an answer is none: what is missing in it would be taken for what is missing on the host. A server that does not
 * answer may take all the time there is, and is told as that.
 */
function isBrokenOff(at: Sections, timedOut: boolean): boolean {
  if (at.one('end') !== undefined || at.one('locked')?.startsWith('no ') === true) return false;
  const isMute = timedOut && at.one('alive') !== undefined && at.one('answer') === undefined;
  return at.one('became') !== undefined && !isMute;
}

/** sudo, su and runuser say on stderr why they do not let us. */
function withOutput(state: Extract<NodeState, { is: 'unreachable' }>, stderr: string): NodeState {
  const said = stderr.match(/^(sudo: .*|su: .*|runuser: .*)$/m)?.[1];
  return said === undefined ? state : { ...state, because: `${state.because} (${said})` };
}

/** Looks at every node at once: sixteen take about as long as one, and one that never answers costs one time-out. */
export async function inspect(
  cluster: Cluster,
  look: Look,
): Promise<ClusterState & { looked: readonly Looked[] }> {
  const glanced = look.brief === true ? glances(cluster.nodes.filter(hasPlace), look) : undefined;
  const looking = cluster.nodes.map(async (node): Promise<Looked> => {
    const state = await glanced?.get(node.name);
    return state === undefined ? lookAt(node, look) : { state, release: nothing };
  });
  const looked = await Promise.all(looking);
  return { nodes: looked.map(({ state }) => state), looked };
}
