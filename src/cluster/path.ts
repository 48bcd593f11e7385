import { posix } from 'node:path';

/**
 * Why the text cannot be a directory of a server, as what follows the setting's name; undefined where it can.
 * A newline would end a line of postgresql.conf or pg_hba.conf, and a NUL a word.
 */
export function pathFault(text: string): string | undefined {
  if (/[\n\r\0]/.test(text)) return 'must not hold a newline or NUL';
  if (!text.startsWith('/')) return `must be an absolute path, and ${JSON.stringify(text)} is none`;
  if (samePath(text, '/')) return 'must not be the root directory';
  return undefined;
}

export function samePath(a: string, b: string): boolean {
  return tidyPath(a) === tidyPath(b);
}

/** Without doubled and trailing slashes, `.` and `..`; symbolic links are the host's to resolve. */
export function tidyPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
