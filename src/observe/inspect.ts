import type { Cluster, Node } from '../cluster/types.ts';
import { onHost } from '../run/host.ts';
import type { Held, Hold } from '../run/hold.ts';
import { classify } from '../facts/classify.ts';
import { GLANCE, GLANCE_INSIDE } from '../facts/glance.ts';
import { LOOK, PROBE } from '../facts/probe.ts';
import { questions } from '../facts/questions.ts';
import { sectionsOf, type Sections } from '../facts/sections.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { newToken } from '../run/token.ts';

export type Look = {
  hold: Hold;
  /** Seconds a node has for its whole answer. */
  seconds: number;
  /** Measure the data directory and every tablespace: only a copy needs it. */
  sizes?: boolean;
  /** Of a server that runs only what it says of itself: no files, no programs. Nothing can be planned from it. */
  brief?: boolean;
  /** Who asks, for a node that is to be locked; nothing is locked without it. */
  lock?: (node: Node) => string | undefined;
  /** Whether the pgrepl that a lock names is known to be dead. */
  isOver?: (holder: string) => boolean;
};

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
async function lookAt(node: Node, look: Look, go: Promise<void>): Promise<Looked> {
  if (node.pgdata === undefined && node.debian === undefined) {
    return {
      state: { node: node.name, is: 'unreachable', because: `${node.name}: only its port is known` },
      release: nothing,
    };
  }
  const token = newToken();
  const debian = node.debian === undefined ? '' : `${node.debian.major}/${node.debian.cluster}`;
  const sql = questions({ sizes: look.sizes ?? false });
  if (look.brief === true) {
    const seen = await glance(node, look, go, { token, debian, sql });
    if (seen !== undefined) return { state: seen, release: nothing };
  }
  const words = onHost(node.host, [
    ...[
      'sh',
      '-c',
      PROBE,
      'probe',
      LOOK,
      token,
      node.pgdata ?? '',
      debian,
      node.bindir ?? '',
      look.lock?.(node) ?? '',
      sql,
      node.superuser ?? '',
    ],
  ]);
  const held = await look.hold(words, `\n${token} end`, look.seconds);
  const looked = await read(node, held, token, look);
  const over = takenOver(looked.lockedBy, node, look);
  return over === undefined ? looked : lookAt(node, over, go);
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

/** Undefined where no server runs, or it is one that must be looked at more closely. */
async function glance(
  node: Node,
  look: Look,
  go: Promise<void>,
  { token, debian, sql }: Readonly<Record<'token' | 'debian' | 'sql', string>>,
): Promise<NodeState | undefined> {
  const probe = ['sh', '-c', GLANCE, 'glance', GLANCE_INSIDE, token];
  const words = onHost(node.host, [
    ...probe,
    node.pgdata ?? '',
    debian,
    node.bindir ?? '',
    sql,
    node.superuser ?? '',
  ]);
  const held = await look.hold(words, `\n${token} end`, look.seconds, go);
  await held.release();
  const at = sectionsOf(held.stdout, token);
  if (at.one('end') !== undefined) return classify(node, held.stdout, token);
  // It had all the time there is, or its host cannot be had: asking again would cost as much again.
  if (!held.timedOut && at.one('login') !== undefined) return undefined;
  const because = `${node.name}: ${whyUnreachable(node, held)}`;
  return held.timedOut || held.stderr.trim() !== ''
    ? { node: node.name, is: 'unreachable', because }
    : undefined;
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

function whyUnreachable(node: Node, held: Held): string {
  const said = held.stderr.trim().split('\n').at(-1) ?? '';
  const by = { local: 'this host', ssh: 'ssh', docker: 'docker' }[node.host.via];
  if (said === '') return `${by} gave no answer`;
  return said.startsWith(`${by}: `) ? said : `${by}: ${said}`;
}

/** Looks at every node at once: sixteen take about as long as one, and one that never answers costs one time-out. */
export async function inspect(
  cluster: Cluster,
  look: Look,
): Promise<ClusterState & { looked: readonly Looked[] }> {
  let start = (): void => undefined;
  const go = new Promise<void>((resolve) => {
    start = resolve;
  });
  const looking = cluster.nodes.map((node) => lookAt(node, look, go));
  start();
  const looked = await Promise.all(looking);
  return { nodes: looked.map(({ state }) => state), looked };
}
