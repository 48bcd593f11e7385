import { Option } from 'commander';
import { roleFault } from './cluster/role.ts';
import { isSlotName } from './cluster/slot.ts';
import type { Problem } from './errors.ts';
import type { Flags } from './verbs/action.ts';

export const option = (flags: string, description: string): Option => new Option(flags, description);

/** For an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Stands for a value that an option does not take, until all of them are told together. */
type Wrong = { wrong: string };

/** A whole number from `least` on. */
export function whole(name: string, least: number, most: number) {
  return (value: string): number | Wrong => {
    const number = Number(value);
    const good = /^\d+$/.test(value) && number >= least && number <= most;
    return good ? number : { wrong: `${name} ${value}: is no whole number from ${least} to ${most}` };
  };
}

/** A text in which nothing is wrong; `faultOf` gives what follows it in a sentence. */
function text(name: string, faultOf: (value: string) => string | undefined) {
  return (value: string): string | Wrong => {
    const fault = faultOf(value);
    return fault === undefined ? value : { wrong: `${name} ${value}: ${fault}` };
  };
}

function superuserFault(name: string): string | undefined {
  return name.trim() === '' || /\p{Cc}/u.test(name) ? 'must be one line and not empty' : undefined;
}

function slotFault(name: string): string | undefined {
  return isSlotName(name)
    ? undefined
    : "a slot's name has lower-case letters, digits and underscores, 63 at most";
}

function oneOf(name: string, choices: readonly string[]) {
  return (value: string): string | Wrong =>
    choices.includes(value) ? value : { wrong: `${name} ${value}: is none of ${choices.join(', ')}` };
}

/** The flags that have a value which they take, and what is wrong with the others. */
export function sorted(given: Flags): { flags: Flags; problems: readonly Problem[] } {
  const all = Object.entries(given);
  const wrong = all.flatMap(([, value]) => (isWrong(value) ? [{ message: value.wrong }] : []));
  return {
    flags: Object.fromEntries(all.filter(([, value]) => !isWrong(value))),
    problems: given['dryRun'] === 'sh' && given['json'] === true ? [...wrong, TWO_FORMS] : wrong,
  };
}

function isWrong(value: unknown): value is Wrong {
  return typeof value === 'object' && value !== null && 'wrong' in value;
}

const TWO_FORMS: Problem = {
  message: '--json and --dry-run=sh exclude each other: stdout is either a script or a document',
  hint: '--dry-run=json prints the plan as a document.',
};

const TARGET: readonly Option[] = [
  option('-c, --config <file>', 'cluster file ($PGREPL_CONFIG, else ./pgrepl.yaml)'),
  option('-D, --pgdata <dir>', 'data directory, or a Debian cluster such as 17/main'),
  option('-p, --port <port>', 'port of the server').argParser(whole('--port', 1, 65535)),
  option('--on <host>', 'where it is: local, ssh://[user@]host[:port] or docker://container'),
  option('--bindir <dir>', "directory of PostgreSQL's programs (default: found)"),
  option(
    '--superuser <name>',
    'who the server is asked as (default: the owner of the data, else found)',
  ).argParser(text('--superuser', superuserFault)),
  option('--name <name>', 'what to call a server that no file names (default: its host)'),
];

const FORMS = ['text', 'json', 'sh'];

const CHANGES: readonly Option[] = [
  option('--dry-run [form]', 'show what would be done and do nothing: text, json or sh')
    .choices(FORMS)
    .argParser(oneOf('--dry-run', FORMS)),
  option('--check', 'exit 10 if there is something to do, 0 if not; nothing is done'),
  option('-y, --yes', 'do not ask before something is removed or replaced'),
];

/** What every verb takes. */
export const OF_ALL: readonly Option[] = [
  option('--json', 'one JSON document on stdout, whatever happens'),
  option('--timeout <seconds>', 'how long to wait for the goal to be seen').argParser(
    whole('--timeout', 1, 86400),
  ),
];

/** What a verb takes that looks at a server, and one that changes something. */
export const OF_LOOKS: readonly Option[] = [...TARGET, ...OF_ALL];
export const OF_CHANGES: readonly Option[] = [...TARGET, ...CHANGES, ...OF_ALL];

export const PASSWORD = option(
  '--password-file <file>',
  'file with the password of the replication role, readable by you alone',
);
export const ROLE = option(
  '--replication-role <name>',
  'the replication role (default: replicator)',
).argParser(text('--replication-role', roleFault));
export const ALLOW = option(
  '--allow <address>',
  'address or network that standbys come from; may be repeated',
).argParser(collect);
export const SLOT = option(
  '--slot <name>',
  'slot at the upstream (default: from the name of the node)',
).argParser(text('--slot', slotFault));
