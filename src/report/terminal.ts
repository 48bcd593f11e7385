/** What the printers need to know of a terminal; process.stdout and process.stderr fit. */
export type Screen = { isTTY?: boolean; columns?: number };
type Environment = Readonly<Record<string, string | undefined>>;

/** Columns to fill; 80 where nobody says. */
export function width(screen: Screen = process.stdout, env: Environment = process.env): number {
  return screen.columns ?? (Number(env['COLUMNS']) || 80);
}

export function isTerminal(screen: Screen = process.stdout): boolean {
  return screen.isTTY === true;
}

/** Whether box drawing comes out as boxes: the first of the three that is set decides, as in setlocale(3). */
export function isUnicode(env: Environment = process.env): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes as PostgreSQL's units, 1024 each: `16 kB`, `1.2 GB`. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? oneDecimal(value) : Math.round(value)} ${UNITS[unit]}`;
}

/** Seconds as people say them: `0.4 s`, `12 s`, `2 min 5 s`, `3 h 2 min`. */
export function humanSeconds(seconds: number): string {
  if (seconds < 9.95) return `${oneDecimal(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return inTwo(Math.floor(whole / 60), 'min', whole % 60, 's');
  return inTwo(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
}

function oneDecimal(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

function inTwo(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
