import type { ConfigFile } from './state.ts';

/** What facts/probe.ts printed: values by the name of their section, in order. */
export type Sections = {
  one: (name: string) => string | undefined;
  all: (name: string) => readonly string[];
  /** The files that were shown under a name: their paths are in the section's own line. */
  files: (name: string) => readonly ConfigFile[];
};

/**
 * Splits the probe's output at the lines that begin with its token. A section's first line is its name (and, for
 * a file, its path); a name may come more than once.
 */
export function sectionsOf(output: string, token: string): Sections {
  const values = new Map<string, string[]>();
  for (const part of output.split(`\n${token} `).slice(1)) {
    const end = part.indexOf('\n');
    const head = end < 0 ? part : part.slice(0, end);
    const same = values.get(head) ?? [];
    same.push(end < 0 ? '' : part.slice(end + 1));
    values.set(head, same);
  }
  const all = (name: string): readonly string[] => values.get(name) ?? [];
  const files = (name: string): readonly ConfigFile[] => {
    const start = `${name} `;
    return [...values].flatMap(([head, texts]) =>
      head.startsWith(start) ? texts.map((text) => ({ path: head.slice(start.length), text })) : [],
    );
  };
  return { one: (name) => all(name)[0], all, files };
}

/** Divides an output with the sections of several nodes: those after `node N` are the Nth node's, wherever they stand. */
export function nodesOf(output: string, token: string): ReadonlyMap<number, string> {
  const nodes = new Map<number, string>();
  for (const part of output.split(`\n${token} node `).slice(1)) {
    const end = part.indexOf('\n');
    const node = Number(end < 0 ? part : part.slice(0, end));
    nodes.set(node, `${nodes.get(node) ?? ''}${end < 0 ? '' : part.slice(end)}`);
  }
  return nodes;
}
