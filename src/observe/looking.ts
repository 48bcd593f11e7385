import type { Node } from '../cluster/types.ts';
import type { Held, Hold } from '../run/hold.ts';

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

/** Of another one only SQL's port is known. */
export function hasPlace({ pgdata, debian }: Node): boolean {
  return pgdata !== undefined || debian !== undefined;
}

/** What the probes are told of a node: pgdata, Debian name, bindir and superuser. */
export function wordsOf({ pgdata, debian, bindir, superuser }: Node): [string, string, string, string] {
  const name = debian === undefined ? '' : `${debian.major}/${debian.cluster}`;
  return [pgdata ?? '', name, bindir ?? '', superuser ?? ''];
}

/** Why nothing was heard, in the words of what was to bring us there. */
export function whyUnreachable(node: Node, held: Pick<Held, 'stderr'>): string {
  const said = held.stderr.trim().split('\n').at(-1) ?? '';
  const by = { local: 'this host', ssh: 'ssh', docker: 'docker' }[node.host.via];
  if (said === '') return `${by} gave no answer`;
  return said.startsWith(`${by}: `) ? said : `${by}: ${said}`;
}
