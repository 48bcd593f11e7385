/** What psql says of a connection, without its own name in front (from 12 on it says "error" too). */
export function withoutProgram(line: string): string {
  return line.replace(/^psql: (error: )?/, '');
}
