import type { DebianName } from './types.ts';

const NODE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;
const DEBIAN = /^([1-9][0-9])\/([A-Za-z0-9_][A-Za-z0-9_.-]{0,62})$/;

/** A node's name is shown, typed, and sent as application_name: letters, digits, `_`, `.` and `-`, up to 63. */
export function isNodeName(text: string): boolean {
  return NODE.test(text) && text !== '__proto__';
}

/** A cluster of Debian's postgresql-common, `17/main`; undefined where the text is none or of a major before 10. */
export function parseDebianName(text: string): DebianName | undefined {
  const [, major, cluster] = DEBIAN.exec(text) ?? [];
  return major === undefined || cluster === undefined ? undefined : { major: Number(major), cluster };
}
