import { quoteWord } from '../tools/words.ts';

/** One thing that is wrong with a cluster; the message names the node first, the hint says what to type. */
export type Finding = {
  node: string;
  level: 'split-brain' | 'broken' | 'warning';
  message: string;
  hint?: string;
};

export function broken(node: string, what: string, hint?: string): Finding {
  return finding(node, 'broken', what, hint);
}

export function warning(node: string, what: string, hint?: string): Finding {
  return finding(node, 'warning', what, hint);
}

function finding(node: string, level: Finding['level'], what: string, hint?: string): Finding {
  const message = `${node}: ${what}`;
  return hint === undefined ? { node, level, message } : { node, level, message, hint };
}

/** pgrepl's own commands, in one place so that a renamed verb is one change. */
export const COMMAND = {
  rejoin: (node: string) => `\`pgrepl rejoin ${quoteWord(node)}\``,
  follow: (node: string, upstream: string) =>
    `\`pgrepl follow ${quoteWord(node)} --upstream ${quoteWord(upstream)}\``,
  rejoinAnew: (node: string) => `\`pgrepl rejoin ${quoteWord(node)} --allow-reclone\``,
  switchover: (node: string) => `\`pgrepl switchover ${quoteWord(node)}\``,
  promote: (node: string) => `\`pgrepl promote ${quoteWord(node)}\``,
  promoteDead: (node: string) => `\`pgrepl promote ${quoteWord(node)} --primary-is-dead\``,
  clone: (node: string) => `\`pgrepl clone-standby ${quoteWord(node)}\``,
  cloneAgain: (node: string) => `\`pgrepl clone-standby ${quoteWord(node)} --replace\``,
  init: (node: string) => `\`pgrepl init-primary ${quoteWord(node)}\``,
  dropSlot: (node: string, slot: string) => `\`pgrepl slot drop ${quoteWord(node)} ${quoteWord(slot)}\``,
  doctor: (node: string) => `\`pgrepl doctor ${quoteWord(node)}\``,
} as const;

/** How a standby comes back whose slot is lost: only itself tells whether what it has is enough. */
export function comesBack(node: string): string {
  return `When ${node} can be reached, ${COMMAND.rejoinAnew(node)} brings it back, by a new copy where it must.`;
}
