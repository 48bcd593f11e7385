import { Command, Option } from 'commander';
import { failure } from './errors.ts';
import { VERSION } from './versionOfPgrepl.ts';

/** What commander hands to a verb. */
export type Flags = Readonly<Record<string, unknown>>;
export type Action = (args: readonly string[], flags: Flags) => Promise<void>;

type VerbDefinition = {
  name: string;
  args: string;
  summary: string;
  detail: string;
  options: readonly Option[];
  examples: readonly string[];
  /** Which of the common options it takes. */
  changes: boolean;
  target: boolean;
  load: () => Promise<Action>;
};

const option = (flags: string, description: string): Option => new Option(flags, description);

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** A whole number from `least` on; everything else is told with the other mistakes. */
function whole(name: string, least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw failure('usage', `${name} ${value}: is no whole number from ${least} to ${most}`);
    }
    return number;
  };
}

const TARGET: readonly Option[] = [
  option('-c, --config <file>', 'cluster file ($PGREPL_CONFIG, else ./pgrepl.yaml)'),
  option('-D, --pgdata <dir>', 'data directory, or a Debian cluster such as 17/main'),
  option('-p, --port <port>', 'port of the server').argParser(whole('--port', 1, 65535)),
  option('--on <host>', 'where it is: local, ssh://[user@]host[:port] or docker://container'),
  option('--bindir <dir>', "directory of PostgreSQL's programs (default: found)"),
  option('--name <name>', 'what to call a server that no file names (default: its host)'),
];

const CHANGES: readonly Option[] = [
  option('--dry-run [form]', 'show what would be done and do nothing: text, json or sh').choices([
    'text',
    'json',
    'sh',
  ]),
  option('--check', 'exit 10 if there is something to do, 0 if not; nothing is done'),
  option('-y, --yes', 'do not ask before something is removed or replaced'),
];

const COMMON: readonly Option[] = [
  option('--json', 'one JSON document on stdout, whatever happens'),
  option('--timeout <seconds>', 'how long to wait for the goal to be seen').argParser(
    whole('--timeout', 1, 86400),
  ),
];

const PASSWORD = option(
  '--password-file <file>',
  'file with the password of the replication role, readable by you alone',
);
const ROLE = option('--replication-role <name>', 'the replication role (default: replicator)');

const VERBS: readonly VerbDefinition[] = [
  {
    name: 'init-primary',
    args: '[node]',
    summary: 'create a primary, or adopt a server that is there',
    detail: 'Done when the server runs, takes writes, and would accept a standby from each allowed address.',
    options: [
      option('--allow <address>', 'address or network that standbys come from; may be repeated').argParser(
        collect,
      ),
      ROLE,
      PASSWORD,
      option('--waldir <dir>', 'directory for WAL, for a cluster that is created'),
      option('--no-restart', 'leave changed settings that need a restart pending'),
    ],
    examples: [
      'pgrepl init-primary pg1',
      'pgrepl init-primary -D /var/lib/pgsql/17/data --allow 10.0.0.12 --password-file replicator.password',
    ],
    changes: true,
    target: true,
    load: async () => (await import('./verbs/initPrimary.ts')).initPrimary,
  },
  {
    name: 'clone-standby',
    args: '[node]',
    summary: 'copy an upstream and start a standby that streams from it',
    detail: 'Done when the standby streams from its upstream and its position moved past the one noted.',
    options: [
      option('--from <upstream>', 'a node of the file, or HOST[:PORT]'),
      option('--slot <name>', 'slot at the upstream (default: from the name of the node)'),
      ROLE,
      PASSWORD,
      option('--replace', 'move a data directory that is there aside; it is kept'),
      option('--waldir <dir>', 'directory for WAL'),
      option(
        '-T, --tablespace-mapping <old=new>',
        'another place for a tablespace; may be repeated',
      ).argParser(collect),
      option('--max-rate <rate>', 'most bytes a second to copy, such as 50M'),
    ],
    examples: [
      'pgrepl clone-standby pg2',
      'pgrepl clone-standby -D /var/lib/pgsql/17/data --from 10.0.0.11 --password-file replicator.password',
    ],
    changes: true,
    target: true,
    load: async () => (await import('./verbs/cloneStandby.ts')).cloneStandby,
  },
  {
    name: 'promote',
    args: '[node]',
    summary: 'make a standby the primary, when the old primary is gone',
    detail: 'Done when the node takes writes and nothing stale is left in its configuration.',
    options: [
      option('--primary-is-dead', 'the old primary is fenced: nothing is asked of it'),
      option(
        '--accept-loss <bytes>',
        'promote although another standby is ahead by up to so many bytes',
      ).argParser(whole('--accept-loss', 0, Number.MAX_SAFE_INTEGER)),
      option(
        '--allow-delayed',
        'promote a standby that replays late or is paused: all it received is replayed first',
      ),
      ROLE,
      PASSWORD,
    ],
    examples: ['pgrepl promote pg2', 'pgrepl promote -D /var/lib/pgsql/17/data --primary-is-dead'],
    changes: true,
    target: true,
    load: async () => (await import('./verbs/promote.ts')).promote,
  },
  {
    name: 'status',
    args: '',
    summary: 'show every node: role, upstream, lag, slot, timeline, and what is wrong',
    detail: 'Exit status 9 if something is wrong, 11 if two servers of one cluster take writes.',
    options: [
      option('--watch [seconds]', 'draw it again and again, with the lag of late').argParser(
        whole('--watch', 1, 3600),
      ),
    ],
    examples: ['pgrepl status', 'pgrepl status --json'],
    changes: false,
    target: true,
    load: async () => (await import('./verbs/status.ts')).status,
  },
];

/** The commander tree: every verb, option and example. What a verb needs is loaded when it runs. */
export function buildProgram(): Command {
  const program = new Command('pgrepl')
    .description('Bootstrap and operate PostgreSQL primary/standby clusters by streaming replication.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError()
    .exitOverride();
  for (const verb of VERBS) addVerb(program, verb);
  return program;
}

function addVerb(program: Command, verb: VerbDefinition): void {
  const command = program
    .command(`${verb.name}${verb.args === '' ? '' : ` ${verb.args}`}`)
    .summary(verb.summary)
    .description(`${verb.summary[0]?.toUpperCase() ?? ''}${verb.summary.slice(1)}.\n\n${verb.detail}`)
    .exitOverride();
  const options = [
    ...verb.options,
    ...(verb.target ? TARGET : []),
    ...(verb.changes ? CHANGES : []),
    ...COMMON,
  ];
  for (const each of options) command.addOption(each);
  command.addHelpText('after', `\nExamples:\n${verb.examples.map((line) => `  ${line}`).join('\n')}`);
  command.action(async (...all: unknown[]) => {
    const args = all.slice(0, -2).filter((word): word is string => typeof word === 'string');
    const action = await verb.load();
    await action(args, command.opts());
  });
}
