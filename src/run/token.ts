/**
 * A line that a program's output has only where we had it printed. No secret: nobody is kept out by it, and
 * node:crypto takes longer to load than all that is asked with it.
 */
export function newToken(): string {
  const half = (): string => Math.random().toString(36).slice(2, 12).padEnd(10, '0');
  return `@${half()}${half()}`;
}
