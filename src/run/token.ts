/**
 * A line that is in a program's output only where we had it printed. It is no secret, and so does without node:crypto,
 * which takes longer to load than everything that is asked with it.
 */
export function newToken(): string {
  const half = (): string => Math.random().toString(36).slice(2, 12).padEnd(10, '0');
  return `@${half()}${half()}`;
}
