import type { Check } from './check.ts';
import { hanging, withCommands, type Paint } from '../report/paint.ts';

type Look = { width: number; color: Paint; unicode: boolean };

const MARKS = {
  ok: { unicode: '✓ ', ascii: '+ ' },
  warning: { unicode: '! ', ascii: '! ' },
  wrong: { unicode: '✗ ', ascii: 'x ' },
} as const;

/** The checks, grouped by node, each with its mark; what is not well with what mends it and the verbs it hinders. */
export function checkList(checks: readonly Check[], look: Look): string {
  const nodes = [...new Set(checks.map(({ node }) => node))];
  const groups = nodes.flatMap((node) => [
    look.color.bold(node),
    ...checks.filter((check) => check.node === node).flatMap((check) => linesOf(check, look)),
    '',
  ]);
  const wrong = checks.filter(({ level }) => level === 'wrong').length;
  const warnings = checks.filter(({ level }) => level === 'warning').length;
  const end =
    wrong === 0
      ? look.color.green(`nothing stands in the way${warnings === 0 ? '' : `, ${warnings} worth a look`}`)
      : look.color.red(`${wrong} wrong, ${warnings} worth a look`);
  return [...groups, end, ''].join('\n');
}

function linesOf({ node, level, message, hint, verbs }: Check, { width, color, unicode }: Look): string[] {
  const mark = MARKS[level][unicode ? 'unicode' : 'ascii'];
  const paint = level === 'ok' ? color.green : level === 'warning' ? color.yellow : color.red;
  const text = message.replace(`${node}: `, '') + (level === 'wrong' ? ` (${verbs.join(', ')})` : '');
  const [first = '', ...rest] = hanging(`  ${mark}`, text, width);
  const told = [paint(first.slice(0, 4)) + first.slice(4), ...rest];
  if (hint === undefined) return told;
  return [
    ...told,
    ...hanging(unicode ? '    → ' : '    -> ', hint, width).map((line) => withCommands(line, color)),
  ];
}
