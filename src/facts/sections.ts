/** What facts/probe.ts printed: values by the name of their section, in order. */
export type Sections = {
  one: (name: string) => string | undefined;
  all: (name: string) => readonly string[];
};

/**
 * Splits the probe's output at the lines that begin with its token. A section's first line is its name (and, for
 * a file, its path); a name may come more than once.
 */
export function sectionsOf(output: string, token: string): Sections {
  const found = output
    .split(`\n${token} `)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return end < 0 ? { name: part, value: '' } : { name: part.slice(0, end), value: part.slice(end + 1) };
    });
  return {
    one: (name) => found.find((section) => section.name === name)?.value,
    all: (name) => found.filter((section) => section.name === name).map((section) => section.value),
  };
}

/** The files that were shown under a name: their paths are in the section's own line. */
export function filesOf(
  output: string,
  token: string,
  name: string,
): readonly { path: string; text: string }[] {
  const start = `${name} `;
  return output
    .split(`\n${token} `)
    .slice(1)
    .flatMap((part) => {
      const end = part.indexOf('\n');
      const head = end < 0 ? part : part.slice(0, end);
      return head.startsWith(start) ? [{ path: head.slice(start.length), text: part.slice(end + 1) }] : [];
    });
}
