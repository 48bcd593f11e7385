import { readLine } from './conf-line.ts';

export type ConfLine = { line: number; name: string; value: string };
export type Include = { line: number; kind: 'include' | 'include_if_exists' | 'include_dir'; target: string };
export type Conf = {
  settings: readonly ConfLine[];
  includes: readonly Include[];
  errors: readonly { line: number; near: string }[];
};

/**
 * A value as postgresql.conf, postgresql.auto.conf and recovery.conf take it. Quoted always: recovery.conf asks
 * for it, and nothing else minds. A line end cannot stand in a string, but its escape can (guc-file.l, STRING).
 */
export function quoteConf(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll("'", "''");
  return `'${escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}

/**
 * postgresql.conf as ParseConfigFp() in guc-file.l reads it: one setting a line, names in lower case, in the
 * order of the file, where the last of a name wins. A wrong line is an error and is passed over; the server
 * would apply nothing of a file with errors.
 */
export function parseConf(text: string): Conf {
  const settings: ConfLine[] = [];
  const includes: Include[] = [];
  const errors: Conf['errors'][number][] = [];
  for (const [at, line] of text.split('\n').map(readLine).entries()) {
    if (line.is === 'wrong') errors.push({ line: at + 1, near: line.near });
    if (line.is !== 'setting') continue;
    if (isIncludeKind(line.name)) includes.push({ line: at + 1, kind: line.name, target: line.value });
    else settings.push({ line: at + 1, name: line.name, value: line.value });
  }
  return { settings, includes, errors };
}

/**
 * The text with these settings and no others changed: the lines that set one of them go, and new lines follow
 * at the end, where they win. `null` only removes. Comments and everything else stay byte for byte, and a text
 * that says so already is returned as it is.
 */
export function withSettings(text: string, changes: Readonly<Record<string, string | null>>): string {
  const { settings } = parseConf(text);
  const wanted = Object.entries(changes).map(([name, value]) => [name.toLowerCase(), value] as const);
  const open = new Map(wanted.filter(([name, value]) => !isSettled(settings, name, value)));
  if (open.size === 0) return text;
  const goes = new Set(settings.filter(({ name }) => open.has(name)).map(({ line }) => line));
  const kept = lineEnded(
    text
      .split('\n')
      .filter((_, at) => !goes.has(at + 1))
      .join('\n'),
  );
  return kept + [...open].flatMap(([name, value]) => (value === null ? [] : [setting(name, value)])).join('');
}

/** The whole text of the file that is ours alone, sorted, so that equal settings are equal bytes. */
export function ownFile(settings: Readonly<Record<string, string>>, header = OWN_HEADER): string {
  const names = Object.keys(settings).toSorted();
  return `${header}\n${names.map((name) => setting(name, settings[name] ?? '')).join('')}`;
}

/**
 * The text with our file included at its end. `include_if_exists`, so that a lost file is no reason for the
 * server not to start.
 */
export function withInclude(text: string, fileName: string): string {
  if (includes(text, fileName)) return text;
  return `${lineEnded(text)}include_if_exists = ${quoteConf(fileName)}  # pgrepl\n`;
}

export function includes(text: string, fileName: string): boolean {
  return parseConf(text).includes.some(({ kind, target }) => kind !== 'include_dir' && target === fileName);
}

/**
 * The bytes a memory setting means, where `unit` is the setting's own as pg_settings has it (`kB`, `8kB`, `MB`,
 * `B`) and applies when the value names none. -1, which stands for "off" or "no limit", stays -1; what the
 * server would refuse is undefined. parse_int() and convert_to_base_unit() in guc.c.
 */
export function bytesOfSize(value: string, unit: string): number | undefined {
  return amount(value, unit, BYTES);
}

/** As `bytesOfSize`, for times: milliseconds of a setting whose own unit is `ms`, `s`, `min` and so on. */
export function milliseconds(value: string, unit: string): number | undefined {
  return amount(value, unit, MILLISECONDS);
}

const OWN_HEADER = '# Written by pgrepl; what is written here by hand is lost.';

function setting(name: string, value: string): string {
  return `${name} = ${quoteConf(value)}\n`;
}

function lineEnded(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function isSettled(settings: readonly ConfLine[], name: string, value: string | null): boolean {
  const there = settings.filter((line) => line.name === name);
  return value === null ? there.length === 0 : there.length === 1 && there[0]?.value === value;
}

function isIncludeKind(name: string): name is Include['kind'] {
  return name === 'include' || name === 'include_if_exists' || name === 'include_dir';
}

type Units = ReadonlyMap<string, number>;

const BYTES: Units = new Map([
  ['B', 1],
  ['kB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
  ['TB', 1024 ** 4],
]);

const MILLISECONDS: Units = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** A number and a unit as guc.c takes them: whole, hexadecimal or (12) with a fraction. Nothing stands before a first dot. */
const AMOUNT =
  /^(\s*[-+]?(?:0x[0-9a-f]+(?:\.[0-9a-f]*)?|\d+\.?\d*(?:e[-+]?\d+)?)|\.\d+(?:e[-+]?\d+)?)\s*([a-z]*)\s*$/i;

function amount(value: string, unit: string, units: Units): number | undefined {
  const base = baseOf(unit, units);
  const [, number, suffix] = AMOUNT.exec(value) ?? [];
  if (base === undefined || number === undefined || suffix === undefined) return undefined;
  const factor = suffix === '' ? base : units.get(suffix);
  const size = numberOf(number);
  if (factor === undefined || size === undefined) return undefined;
  const count = nearest(roundedTo(belowOf(suffix, units), size * factor) / base);
  return count === -1 ? -1 : count * base;
}

/** A fraction of a unit is rounded to the next smaller one: convert_to_base_unit() in guc.c. */
function belowOf(suffix: string, units: Units): number | undefined {
  const names = [...units.keys()];
  return units.get(names[names.indexOf(suffix) - 1] ?? '');
}

function roundedTo(unit: number | undefined, amount: number): number {
  return unit === undefined ? amount : nearest(amount / unit) * unit;
}

/** As rint(): a half goes to the even side. */
function nearest(count: number): number {
  const down = Math.floor(count);
  if (count - down !== 0.5) return Math.round(count);
  return down % 2 === 0 ? down : down + 1;
}

function baseOf(unit: string, units: Units): number | undefined {
  const [, times, name] = /^(\d*)([A-Za-z]+)$/.exec(unit) ?? [];
  const factor = units.get(name ?? '');
  return factor === undefined ? undefined : factor * (times ? Number(times) : 1);
}

/** As strtol() with base 0: 0x is hexadecimal, and a leading zero makes it octal, where 8 and 9 are no digits. */
function numberOf(text: string): number | undefined {
  const [, sign, digits = ''] = /^\s*([-+]?)(.*)$/.exec(text) ?? [];
  if (/^0\d*[89]/.test(digits)) return undefined;
  const [whole = '', fraction] = digits.split('.');
  const hexadecimal = fraction !== undefined && /^0x/i.test(whole);
  const part = hexadecimal ? parseInt(fraction || '0', 16) / 16 ** fraction.length : 0;
  const size = /^0\d+$/.test(digits) ? parseInt(digits, 8) : Number(hexadecimal ? whole : digits) + part;
  return sign === '-' ? -size : size;
}
