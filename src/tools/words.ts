/**
 * The words commands are made of. A `Secret` is an object that prints as dots and does not fit into `Argv`:
 * the compiler keeps passwords off command lines. `reveal` is for what turns it into bytes or another Secret: the
 * stdin of a program, a verifier, an escaped line of a password file.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '••••••';
  }

  toJSON(): string {
    return '••••••';
  }
}

/** What an earlier step of the plan captured, by the name it was captured under. */
export type Ref = { ref: string };
export type Argv = readonly (string | Ref)[];
export type Text = readonly (string | Ref | Secret)[];

export function isRef(word: unknown): word is Ref {
  return typeof word === 'object' && word !== null && 'ref' in word;
}

/** Words a POSIX shell takes as they are; everything else goes into single quotes. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word for a POSIX shell: IEEE 1003.1, 2.2.2 Single-Quotes. */
export function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** A string constant for SQL that means the same whatever standard_conforming_strings says. */
export function sqlLiteral(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

export function sqlIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The text with its secrets as dots, for people. */
export function redacted(text: Text): string {
  return text.map((part) => (isRef(part) ? `$${part.ref}` : String(part))).join('');
}
