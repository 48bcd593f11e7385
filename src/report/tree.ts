import type { Finding } from './finding.ts';
import type { Paint } from './paint.ts';
import { cut, hanging, lengthOf, padded, withCommands } from './paint.ts';
import type { TreeRow } from './rows.ts';
import { humanBytes, humanSeconds } from './terminal.ts';

export type Look = {
  width: number;
  color: Paint;
  unicode?: boolean;
  /** The recent lag in bytes, by node, the latest last; drawn where it is given. */
  history?: ReadonlyMap<string, readonly number[]>;
};
type Branch = { row: TreeRow; trunk: string };
type Column = {
  title: string;
  cell: (row: TreeRow) => string;
  paint?: (row: TreeRow, color: Paint) => Painter;
};
type Painter = (text: string) => string;

const UNKNOWN = '-';

/** From left to right; the name comes before them. */
const COLUMNS = {
  role: { title: 'role', cell: (row) => row.role },
  state: { title: 'state', cell: (row) => row.state, paint: (row, color) => stateColor(row, color) },
  timeline: { title: 'tl', cell: (row) => String(row.timeline ?? UNKNOWN) },
  lag: { title: 'lag', cell: (row) => ofStandby(row, row.lagBytes, humanBytes) },
  late: { title: 'late', cell: (row) => ofStandby(row, row.lagSeconds, humanSeconds) },
  slot: { title: 'slot', cell: (row) => row.slot ?? UNKNOWN },
  sync: { title: 'sync', cell: (row) => row.sync ?? UNKNOWN },
} as const satisfies Record<string, Column>;

type Key = keyof typeof COLUMNS;

/** Where a terminal is narrow they go in this order. */
const DISPENSABLE: readonly Key[] = ['sync', 'slot', 'timeline', 'late', 'role', 'lag'];
const GAP = '  ';

/** A cluster at one look: who streams from whom, how far behind, what is wrong and the command that mends it. */
export function statusTree(rows: readonly TreeRow[], findings: readonly Finding[], look: Look): string {
  const branches = branchesOf(rows, look.unicode ?? true);
  const end =
    findings.length === 0
      ? [look.color.green('healthy')]
      : findings.flatMap((each) => findingLines(each, look));
  return [...table(branches, look), '', ...end, ''].join('\n');
}

/** Every row once: below its upstream, or at the left margin where it has none that is shown. */
function branchesOf(rows: readonly TreeRow[], unicode: boolean): Branch[] {
  const placed = new Set<string>();
  const known = new Set(rows.map((row) => row.name));
  const tops = rows.filter((row) => row.upstream === null || !known.has(row.upstream));
  const below = (row: TreeRow, trunk: string, elbow: string): Branch[] => {
    if (placed.has(row.name)) return [];
    placed.add(row.name);
    const twigs = rows.filter((each) => each.upstream === row.name && !placed.has(each.name));
    const inner = trunk + stem(elbow);
    return [
      { row, trunk: trunk + elbow },
      ...twigs.flatMap((twig, index) => below(twig, inner, elbowOf(index === twigs.length - 1, unicode))),
    ];
  };
  // Those that name each other as upstream hang from nothing; the first of them is as good a top as any.
  return [...tops, ...rows].flatMap((row) => below(row, '', ''));
}

function elbowOf(last: boolean, unicode: boolean): string {
  if (unicode) return last ? '└─ ' : '├─ ';
  return last ? '`- ' : '|- ';
}

function stem(elbow: string): string {
  if (elbow === '') return '';
  if (elbow.startsWith('├')) return '│  ';
  return elbow.startsWith('|') ? '|  ' : '   ';
}

function table(branches: readonly Branch[], look: Look): string[] {
  const names = ['node', ...branches.map(({ row, trunk }) => trunk + row.name)];
  const keys = fitting(branches, Math.max(...names.map(lengthOf)), look.width);
  const rest = keys.map((key) => widthOf(key, branches) + GAP.length).reduce((sum, each) => sum + each, 0);
  const room = Math.max(6, Math.min(Math.max(...names.map(lengthOf)), look.width - rest));
  const left = Math.min(SAMPLES, look.width - room - rest - GAP.length);
  const history = left < RECENT.length ? undefined : look.history;
  const titles = keys.map((key) => padded(COLUMNS[key].title, widthOf(key, branches)));
  const header = line('node', room, history === undefined ? titles : [...titles, RECENT]);
  const lines = branches.map((branch) => {
    const drawn =
      history === undefined ? '' : sparkline(lagOf(branch.row, history).slice(-left), look.unicode);
    return rowLine(branch, room, keys, branches, look, drawn);
  });
  return [look.color.dim(header), ...lines];
}

/** Samples that are drawn at most; fewer where the line is full. */
const SAMPLES = 40;
const RECENT = 'recent lag';

function lagOf(row: TreeRow, history: ReadonlyMap<string, readonly number[]>): readonly number[] {
  return row.role === 'standby' ? (history.get(row.name) ?? []) : [];
}

/** As many columns as fit; name and state stay whatever happens. */
function fitting(branches: readonly Branch[], nameWidth: number, width: number): Key[] {
  const keys = new Set(Object.keys(COLUMNS) as Key[]);
  const needed = () => [...keys].reduce((sum, key) => sum + GAP.length + widthOf(key, branches), nameWidth);
  for (const key of DISPENSABLE) {
    if (needed() > width) keys.delete(key);
  }
  return [...keys];
}

function widthOf(key: Key, branches: readonly Branch[]): number {
  const { title, cell } = COLUMNS[key];
  return Math.max(lengthOf(title), ...branches.map(({ row }) => lengthOf(cell(row))));
}

function rowLine(
  { row, trunk }: Branch,
  room: number,
  keys: readonly Key[],
  all: readonly Branch[],
  look: Look,
  drawn: string,
): string {
  const name = padded(cut(trunk + row.name, room, look.unicode ?? true), room);
  const cells = keys.map((key) => {
    const column: Column = COLUMNS[key];
    const paint = column.paint?.(row, look.color) ?? ((text: string) => text);
    return paint(padded(column.cell(row), widthOf(key, all)));
  });
  return line(row.role === 'primary' ? look.color.bold(name) : name, room, [...cells, drawn]);
}

function line(name: string, room: number, cells: readonly string[]): string {
  return [padded(name, room), ...cells].join(GAP).trimEnd();
}

/** Neither well nor wrong. */
const YELLOW = ['catchup', 'starting', 'startup', 'backup', 'stopping', 'elsewhere'];

function stateColor(row: TreeRow, color: Paint): Painter {
  if (row.state === 'running' || row.state === 'streaming') return color.green;
  return YELLOW.includes(row.state) ? color.yellow : color.red;
}

function ofStandby(row: TreeRow, value: number | null, human: (value: number) => string): string {
  return row.role === 'primary' || value === null ? UNKNOWN : human(value);
}

function findingLines({ level, message, hint }: Finding, { width, color, unicode = true }: Look): string[] {
  const mark = level === 'warning' ? '! ' : unicode ? '✗ ' : 'x ';
  const paint = level === 'warning' ? color.yellow : color.red;
  const told = hanging(mark, message, width).map((each) => paint(each));
  if (hint === undefined) return told;
  const hinted = hanging(unicode ? '  → ' : '  -> ', hint, width);
  return [...told, ...hinted.map((each) => withCommands(each, color))];
}

const BARS = { unicode: '▁▂▃▄▅▆▇█', ascii: '_.-:=+*#' } as const;

/** The recent history of a figure in one line, scaled to its largest value. */
export function sparkline(values: readonly number[], unicode = true): string {
  const bars = unicode ? BARS.unicode : BARS.ascii;
  const largest = Math.max(...values, 0);
  return values
    .map((value) => bars[largest === 0 ? 0 : Math.round((Math.max(0, value) / largest) * 7)])
    .join('');
}
