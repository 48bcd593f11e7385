import type { Argv, Text } from '../tools/words.ts';
import { isRef, quoteWord, redacted, Secret } from '../tools/words.ts';

/**
 * Passwords that people, or pg_basebackup -R, wrote into a conninfo, a URI or a pg_hba.conf. Inside a value of a
 * configuration file the quotes of the conninfo are doubled or escaped, hence the first two forms.
 */
export const WRITTEN_PASSWORD =
  /(?<=\b(?:(?:ssl)?password|ldapbindpasswd|radiussecrets)\s*=\s*)(?:''(?:[^']|'''')+''|\\'(?:[^'\\]|\\[^'])+\\'|'(?:[^'\\]|\\.)+'|(?:[^\s'\\]|\\[^'])+)|(?<=\bpostgres(?:ql)?:\/\/[^\s:@/']*:)[^\s@/']+(?=@)/gi;

/** The text for people: secrets, and passwords that stood in a file already, as dots. */
export function shownText(text: Text): string {
  return masked(redacted(text));
}

export function masked(text: string): string {
  return text.replace(WRITTEN_PASSWORD, '••••••');
}

/** Words as JSON shows them: a Ref by its name. */
export function shownArgv(argv: Argv): string[] {
  return argv.map((word) => (isRef(word) ? `$${word.ref}` : masked(word)));
}

/** The command line as it would be typed. */
export function shownCommand(argv: Argv): string {
  return argv.map((word) => (isRef(word) ? `"$${word.ref}"` : quoteWord(masked(word)))).join(' ');
}

export function holdsSecret(text: Text): boolean {
  return text.some((part) => part instanceof Secret);
}
