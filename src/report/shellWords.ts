import type { Argv, Ref, Text } from '../tools/words.ts';
import { isRef, quoteWord, Secret } from '../tools/words.ts';
import { WRITTEN_PASSWORD } from './redact.ts';

/** Rewrites words so that they run on a node's host; run/host.ts has the real one. */
export type OnNode = (node: string, argv: readonly string[], asLogin: boolean) => readonly string[];

/** Stands for a Ref while words pass through OnNode; its space makes every level of quoting show. */
const PLACEHOLDER = /@pgrepl ref (\d+)@/;

/** A command line of the script. Values of Refs expand when it runs, on whatever host. */
export function shellCommand(argv: Argv, rewrite: (argv: readonly string[]) => readonly string[]): string {
  const refs: Ref[] = [];
  const words = argv.map((word) => (isRef(word) ? `@pgrepl ref ${refs.push(word) - 1}@` : word));
  return rewrite(words)
    .map((word) => shellWord(word, refs))
    .join(' ');
}

function shellWord(word: string, refs: readonly Ref[]): string {
  const pieces = word.split(PLACEHOLDER);
  if (pieces.length === 1) return quoteWord(word);
  return pieces
    .map((piece, index) => {
      const ref = index % 2 === 1 ? refs[Number(piece)] : undefined;
      if (ref === undefined) return piece === '' ? '' : quoteWord(piece);
      return expansion(variableOf(ref), depthOf(pieces[index - 1] ?? ''));
    })
    .join('');
}

/** A value inside n levels of single quotes has its own quotes escaped n times; `esc` is the script's. */
function expansion(variable: string, depth: number): string {
  return depth === 0 ? `"$${variable}"` : `"$(esc ${expansion(variable, depth - 1)})"`;
}

/** How often the placeholder was quoted: quoting what is quoted turns the quote before it into `'\''`, and so on. */
function depthOf(before: string): number {
  const openings = ["'"];
  while (openings.length < 4) openings.push((openings.at(-1) ?? '').replaceAll("'", `'\\''`));
  return openings.findLastIndex((opening) => before.endsWith(opening)) + 1;
}

/** Upper case belongs to the environment, a leading underscore to the script itself. */
export function variableOf({ ref }: Ref): string {
  const word = ref.replace(/\W/g, '_');
  return /^[a-z]/.test(word) ? word : `v_${word}`;
}

/** Secrets by the variable the script reads them into; it holds none itself. */
export type SecretNames = { nameOf(secret: Secret | string): string; all(): readonly string[] };

/** One variable for each Secret object and for each password that a file had in it already. */
export function secretNames(): SecretNames {
  const names = new Map<Secret | string, string>();
  return {
    nameOf(secret) {
      const name = names.get(secret) ?? `secret_${names.size + 1}`;
      names.set(secret, name);
      return name;
    },
    all: () => [...names.values()],
  };
}

type Part = string | { variable: string };

/** A Text as a redirection, or as a command whose output is piped in. */
export function shellInput(
  text: Text | undefined,
  secrets: SecretNames,
): { pipe?: string; redirect: string; body?: string } {
  if (text === undefined) return { redirect: '</dev/null' };
  const parts = text.flatMap((part) => partsOf(part, secrets));
  const plain = parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
  if (plain === undefined || !plain.endsWith('\n'))
    return { pipe: `printf %s ${printed(parts)}`, redirect: '' };
  const end = delimiterFor(plain);
  return { redirect: `<<'${end}'`, body: `${plain}${end}` };
}

function partsOf(part: string | Ref | Secret, secrets: SecretNames): Part[] {
  if (part instanceof Secret) return [{ variable: secrets.nameOf(part) }];
  if (isRef(part)) return [{ variable: variableOf(part) }];
  const parts: Part[] = [];
  let end = 0;
  for (const match of part.matchAll(WRITTEN_PASSWORD)) {
    const [password] = match;
    parts.push(part.slice(end, match.index), { variable: secrets.nameOf(password) });
    end = match.index + password.length;
  }
  return [...parts, part.slice(end)];
}

function printed(parts: readonly Part[]): string {
  const words = parts.filter((part) => part !== '');
  const joined = words
    .map((part) => (typeof part === 'string' ? quoteWord(part) : `"$${part.variable}"`))
    .join('');
  return joined === '' ? "''" : joined;
}

function delimiterFor(text: string): string {
  const lines = new Set(text.split('\n'));
  let delimiter = 'END';
  for (let number = 2; lines.has(delimiter); number += 1) delimiter = `END_${number}`;
  return delimiter;
}
