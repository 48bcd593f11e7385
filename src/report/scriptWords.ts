import { SESSION } from '../cluster/session.ts';
import type { Argv } from '../tools/words.ts';
import { isRef } from '../tools/words.ts';
import { masked, shownCommand } from './redact.ts';

/** A command for people: `words` are what it runs, `script` is the name and the parameters of the shell around it. */
export type Readable = { words: string; script?: string };

const PROGRAM = /(^|\/)(initdb|psql|postgres|pg_[a-z]+)$/;

/** What every psql of ours has in its environment says nothing about the step: a plan tells it once. */
function withoutSession(argv: Argv): Argv {
  return argv.filter((word, at) => word !== SESSION && !(word === 'env' && argv[at + 1] === SESSION));
}

/** Whether psql is told what holds in its session. */
export function hasSession(argv: Argv): boolean {
  return argv.includes(SESSION);
}

/**
 * `sh -c LITERAL name ...` without its literal. Where a program of PostgreSQL's is called in it, that program and its
 * words, which follow it with a hyphen; else the script by its name.
 */
export function readable(words: Argv): Readable {
  const argv = withoutSession(words);
  const [shell, option, , name, ...parameters] = argv;
  if (shell !== 'sh' || option !== '-c' || name === undefined) return { words: shownCommand(argv) };
  const at = parameters.findIndex((word, index) => isProgram(word) && isOption(parameters[index + 1]));
  const nested = parameters.findIndex((word, index) => word === 'sh' && parameters[index + 1] === '-c');
  if (nested >= 0 && (at < 0 || nested < at)) {
    const inner = readable(parameters.slice(nested));
    return { words: inner.words, script: shown([name, ...parameters.slice(0, nested)]) };
  }
  if (at < 0) return { words: shown([name, ...parameters]), script: '' };
  return { words: shown(parameters.slice(at)), script: shown([name, ...parameters.slice(0, at)]) };
}

function isProgram(word: Argv[number] | undefined): boolean {
  return typeof word === 'string' && PROGRAM.test(word);
}

function isOption(word: Argv[number] | undefined): boolean {
  return typeof word === 'string' && word.startsWith('-');
}

/** A text among the words is told by its beginning. */
function shown(argv: Argv): string {
  return shownCommand(
    argv.map((word) =>
      isRef(word) || !word.includes('\n') ? word : `${masked(word).slice(0, 30).split('\n')[0] ?? ''}…`,
    ),
  );
}
