import { CommanderError, type Command, type Option } from 'commander';
import { similar } from './cluster/similar.ts';
import { VERBS, type VerbDefinition } from './definitions.ts';
import { isPgreplError, type Problem } from './errors.ts';
import { sorted } from './options.ts';
import { buildProgram, prepared, spelledOut } from './program.ts';
import type { Flags } from './verbs/action.ts';

/**
 * Every mistake in a command line that commander refuses. commander stops at the first one; so what it does not know is
 * replaced by what was probably meant, and commander and the verb read the result and report the rest.
 */
export async function mistakesOf(
  argv: readonly string[],
  first: CommanderError,
): Promise<readonly Problem[]> {
  const line = lineOf(argv);
  if (line === undefined) return [problemOf(first)];
  const mended = mend(line);
  const readings = (mended.isClear ? [mended] : [mended, mend(line, 'words stay')]).map(readingOf);
  const checked = readings.filter(({ isWhole, missing }) => isWhole && missing.length === 0);
  const own = await Promise.all(checked.map(({ args, flags }) => problemsOf(line.verb, args, flags)));
  const all = [
    ...mended.problems,
    ...(readings[0]?.problems ?? []),
    ...inAll(readings.map(({ missing, more }) => [...missing, ...more])),
    ...(own.length === 0 ? sorted(readings[0]?.flags ?? {}).problems : inAll(own)),
  ];
  const once = [...new Map(all.map((problem) => [problem.message, problem])).values()];
  return once.length === 0 ? [problemOf(first)] : once;
}

/** A command line as it may have been meant: whether the word behind an unknown option is its value, nobody knows. */
type Reading = Parsed & { missing: readonly Problem[]; more: readonly Problem[] };

function readingOf(line: Line): Reading {
  const { verb } = line;
  const read = parsed(line);
  const places = commandOf(verb).registeredArguments;
  const missing = places
    .filter(({ required }, at) => required && read.args[at] === undefined)
    .map((place) => ({ message: `${verb.name}: ${place.name()} is missing` }));
  return {
    ...read,
    args: read.args.slice(0, places.length),
    missing,
    more: tooMany(verb, read.args.slice(places.length)),
  };
}

/** What is wrong in whatever way it was meant. */
function inAll(lists: readonly (readonly Problem[])[]): readonly Problem[] {
  const [first = [], ...others] = lists;
  return first.filter(({ message }) =>
    others.every((list) => list.some((other) => other.message === message)),
  );
}

/** A verb and the words behind its name. */
type Line = { verb: VerbDefinition; words: readonly string[] };

/** Undefined where the line does not begin with a verb: then there is nothing more to read in it. */
function lineOf(argv: readonly string[]): Line | undefined {
  const verb = VERBS.find(({ name }) => name.split(' ').every((word, at) => argv[at] === word));
  return verb && { verb, words: argv.slice(verb.name.split(' ').length) };
}

/** A new one each time: commander keeps what it has read. */
function commandOf({ name }: VerbDefinition): Command {
  const below = (command: Command, word: string): Command =>
    command.commands.find((each) => each.name() === word) ?? command;
  return name.split(' ').reduce(below, buildProgram());
}

/** commander puts its suggestion on a line of its own, in parentheses. */
function problemOf({ message }: CommanderError): Problem {
  const [said = '', hint] = message.replace(/^error: /, '').split('\n');
  return {
    message: said.replace(/\.$/, ''),
    ...(hint === undefined ? {} : { hint: hint.replace(/^\((.*)\)$/, '$1') }),
  };
}

type Parsed = {
  args: readonly string[];
  unknown: readonly string[];
  flags: Flags;
  problems: readonly Problem[];
  /** Whether every option has its value. */
  isWhole: boolean;
};

function parsed({ verb, words }: Line): Parsed {
  const command = commandOf(verb);
  try {
    const { operands, unknown } = command.parseOptions(spelledOut(words));
    const end = unknown.indexOf('--');
    const open = end < 0 ? unknown : unknown.slice(0, end);
    return {
      args: [...operands, ...open.filter((word) => !isFlag(word)), ...unknown.slice(open.length + 1)],
      unknown: open.filter(isFlag),
      flags: command.opts(),
      problems: [],
      isWhole: true,
    };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // The last word is an option that has no value.
    const rest = parsed({ verb, words: words.slice(0, -1) });
    return { ...rest, problems: [...rest.problems, problemOf(error)], isWhole: false };
  }
}

function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith('-') && !/^-\d/.test(word);
}

/** `isClear` says that there is no word of which nobody knows whether it was a flag's value. */
type Mended = Line & { problems: readonly Problem[]; isClear: boolean };

function mend(line: Line, unclear: 'words go' | 'words stay' = 'words go'): Mended {
  const { options } = commandOf(line.verb);
  const start: Mended = { ...line, problems: [], isClear: true };
  return parsed(line).unknown.reduce((before, word) => mendOne(before, word, options, unclear), start);
}

function mendOne(
  before: Mended,
  word: string,
  options: readonly Option[],
  unclear: 'words go' | 'words stay',
): Mended {
  const [, name = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  const meant = meantBy(name, options);
  const hint = meant === undefined ? {} : { hint: `Did you mean ${meant.long}?` };
  const problems = [...before.problems, { message: `unknown option '${name}'`, ...hint }];
  const at = before.words.indexOf(word);
  if (at < 0) return { ...before, problems };
  const behind = before.words[at + 1];
  const hasValue = value === undefined && behind !== undefined && !isFlag(behind);
  if (meant !== undefined)
    return { ...before, problems, words: before.words.with(at, spelled(meant, value)) };
  return {
    ...before,
    problems,
    words: before.words.toSpliced(at, hasValue && unclear === 'words go' ? 2 : 1),
    isClear: before.isClear && !hasValue,
  };
}

type Long = Option & { long: string };

function meantBy(name: string, options: readonly Option[]): Long | undefined {
  const long = options.filter((option): option is Long => typeof option.long === 'string');
  const near = similar(
    name,
    long.map((option) => option.long),
  );
  return long.find((option) => option.long === near);
}

function spelled({ long, required, optional }: Long, value: string | undefined): string {
  return value === undefined || !(required || optional) ? long : `${long}=${value}`;
}

function tooMany({ name, args }: VerbDefinition, words: readonly string[]): readonly Problem[] {
  if (words.length === 0) return [];
  const said = words.map((word) => `'${word}'`).join(', ');
  const hint = `It is pgrepl ${[name, args].filter((word) => word !== '').join(' ')}, and options.`;
  return [{ message: `${name}: too many arguments: ${said}`, hint }];
}

/** What the verb finds wrong. Another bad end is told when these are mended. */
async function problemsOf(
  verb: VerbDefinition,
  args: readonly string[],
  flags: Flags,
): Promise<readonly Problem[]> {
  try {
    await prepared(verb, args, flags);
    return [];
  } catch (error) {
    if (!isPgreplError(error)) throw error;
    return error.outcome === 'usage' ? error.problems : [];
  }
}
