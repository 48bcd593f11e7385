declare const brand: unique symbol;

/** A WAL position as PostgreSQL writes it: `16/B374D848`. */
export type Lsn = string & { readonly [brand]: 'Lsn' };

const FORM = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/;

/** The position, or undefined where the text is none: pg_lsn_in() takes one to eight hex digits a side. */
export function parseLsn(text: string): Lsn | undefined {
  return FORM.test(text) ? (text.toUpperCase() as Lsn) : undefined;
}

/** Bytes since the beginning of WAL. */
export function bytesOf(lsn: Lsn): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** How far `ahead` is before `behind`, in bytes; negative where it is the other way round. */
export function distance(ahead: Lsn, behind: Lsn): number {
  return Number(bytesOf(ahead) - bytesOf(behind));
}

export function atLeast(position: Lsn, wanted: Lsn): boolean {
  return bytesOf(position) >= bytesOf(wanted);
}

export function laterOf(a: Lsn, b: Lsn): Lsn {
  return atLeast(a, b) ? a : b;
}
