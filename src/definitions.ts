import type { Option } from 'commander';
import type { Action } from './verbs/action.ts';
import {
  ALLOW,
  collect,
  OF_ALL,
  OF_CHANGES,
  OF_LOOKS,
  option,
  PASSWORD,
  ROLE,
  SLOT,
  whole,
} from './options.ts';

/** A verb as its help and docs/reference.md tell it. */
export type VerbDefinition = {
  name: string;
  args: string;
  summary: string;
  detail: string;
  options: readonly Option[];
  examples: readonly string[];
  /** What it takes beside its own. */
  common: readonly Option[];
  load: () => Promise<Action>;
};

/** Every verb, in the order of the help. What it needs is loaded when it runs. */
export const VERBS: readonly VerbDefinition[] = [
  {
    name: 'init-primary',
    args: '[node]',
    summary: 'create a primary, or adopt a server that is there',
    detail: 'Done when the server runs, takes writes, and would accept a standby from each allowed address.',
    options: [
      ALLOW,
      ROLE,
      PASSWORD,
      option('--waldir <dir>', 'directory for WAL, for a cluster that is created'),
      option('--no-restart', 'leave changed settings that need a restart pending'),
    ],
    examples: [
      'pgrepl init-primary pg1',
      'pgrepl init-primary -D /var/lib/pgsql/17/data --allow 10.0.0.12 --password-file replicator.password',
    ],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/initPrimary.ts')).initPrimary,
  },
  {
    name: 'clone-standby',
    args: '[node]',
    summary: 'copy an upstream and start a standby that streams from it',
    detail: 'Done when the standby streams from its upstream and its position moved past the one noted.',
    options: [
      option('--from <upstream>', 'a node of the file, or HOST[:PORT]'),
      SLOT,
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
    common: OF_CHANGES,
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
    common: OF_CHANGES,
    load: async () => (await import('./verbs/promote.ts')).promote,
  },
  {
    name: 'follow',
    args: '[node]',
    summary: 'move a standby to another upstream',
    detail: 'Done when the new upstream shows the standby streaming. A standby that is ahead is not moved.',
    options: [
      option('--upstream <upstream>', 'the node of the file to stream from, or HOST[:PORT] without a file'),
      ROLE,
      PASSWORD,
    ],
    examples: [
      'pgrepl follow pg3 --upstream pg2',
      'pgrepl follow -D /var/lib/pgsql/17/data --upstream 10.0.0.12',
    ],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/follow.ts')).follow,
  },
  {
    name: 'rejoin',
    args: '[node]',
    summary: 'make an old primary, or a failed standby, a standby of the primary again',
    detail:
      'By the cheapest safe way: started as it is, rewound with pg_rewind, or, with --allow-reclone, copied anew. WAL that is discarded is kept aside.',
    options: [
      option('--allow-reclone', 'copy the primary anew where nothing else helps; the old directory is kept'),
      option('--upstream <upstream>', 'HOST[:PORT] of the primary, without a cluster file'),
      ROLE,
      PASSWORD,
    ],
    examples: [
      'pgrepl rejoin pg1',
      'pgrepl rejoin pg1 --allow-reclone',
      'pgrepl rejoin -D /var/lib/pgsql/17/data --upstream 10.0.0.12',
    ],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/rejoin.ts')).rejoin,
  },
  {
    name: 'switchover',
    args: '[node]',
    summary: 'swap the primary and a standby, without losing a write',
    detail:
      'Done when the node is the primary, the old primary and every other standby stream from it. Before the promotion any failure is rolled back (exit status 6).',
    options: [
      option('--max-lag <bytes>', 'how far the node may be behind (default: 16777216)').argParser(
        whole('--max-lag', 0, Number.MAX_SAFE_INTEGER),
      ),
      ROLE,
      PASSWORD,
    ],
    examples: ['pgrepl switchover pg2', 'pgrepl switchover pg2 --dry-run'],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/switchover.ts')).switchover,
  },
  {
    name: 'status',
    args: '',
    summary: 'show every node: role, upstream, lag, slot, timeline, and what is wrong',
    detail: 'Exit status 9 if something is wrong, 11 if two servers of one cluster take writes.',
    options: [
      option(
        '--watch [seconds]',
        'redraw it every so many seconds, with the recent lag (default: 2)',
      ).argParser(whole('--watch', 1, 3600)),
    ],
    examples: ['pgrepl status', 'pgrepl status --watch', 'pgrepl status --json'],
    common: OF_LOOKS,
    load: async () => (await import('./verbs/status.ts')).status,
  },
  {
    name: 'verify',
    args: '',
    summary: 'write a row on the primary and read it on every standby',
    detail:
      'Done when the row was read on every standby; it and its table are gone afterwards. Exit status 9 if not.',
    options: [
      option('--deep', 'also check tables and indexes with pg_amcheck, and look for failed checksums'),
    ],
    examples: ['pgrepl verify', 'pgrepl verify --deep --json'],
    common: OF_LOOKS,
    load: async () => (await import('./verbs/verify.ts')).verify,
  },
  {
    name: 'doctor',
    args: '[node]',
    summary: 'check every precondition of every verb, and say how to mend what does not hold',
    detail: 'Exit status 9 if something stands in the way of a verb.',
    options: [ROLE, PASSWORD],
    examples: ['pgrepl doctor', 'pgrepl doctor pg2 --json'],
    common: OF_LOOKS,
    load: async () => (await import('./verbs/doctor.ts')).doctor,
  },
  {
    name: 'slot list',
    args: '[node]',
    summary: 'show the slots: what they hold back, for whom, and when the disk is full',
    detail: 'Exit status 9 if a slot is lost or belongs to nobody.',
    options: [option('--growth', 'measure for a second how fast they grow')],
    examples: ['pgrepl slot list', 'pgrepl slot list pg1 --growth'],
    common: OF_LOOKS,
    load: async () => (await import('./verbs/slot.ts')).slotList,
  },
  {
    name: 'slot create',
    args: '[node] [slot]',
    summary: 'create a physical slot',
    detail: 'Done when the slot is there. It holds nothing back until a standby uses it.',
    options: [],
    examples: ['pgrepl slot create pg1 pg4', 'pgrepl slot create -D /var/lib/pgsql/17/data pg4'],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/slot.ts')).slotCreate,
  },
  {
    name: 'slot drop',
    args: '[node] [slot]',
    summary: 'drop a slot that nobody uses',
    detail:
      'Done when the slot is gone. A slot that a node of the cluster file uses is dropped only when asked.',
    options: [],
    examples: ['pgrepl slot drop pg1 pg4', 'pgrepl slot drop pg1 pg4 --yes'],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/slot.ts')).slotDrop,
  },
  {
    name: 'remove-standby',
    args: '[node]',
    summary: 'stop a standby for good: its slots and its rules on the others go',
    detail:
      'Done when it is stopped and no other node has a slot or a rule for it. Its data stay where they are.',
    options: [ROLE, PASSWORD],
    examples: ['pgrepl remove-standby pg3', 'pgrepl remove-standby -D /var/lib/pgsql/17/data'],
    common: OF_CHANGES,
    load: async () => (await import('./verbs/removeStandby.ts')).removeStandby,
  },
  {
    name: 'render',
    args: '<file> [node]',
    summary: 'print postgresql.conf, pg_hba.conf, primary_conninfo or recovery.conf; nothing is touched',
    detail: 'The text is on stdout, the same that the verbs write. FILE is one of the four names above.',
    options: [
      option('--pg-version <major>', 'the major the text is for (default: 17)').argParser(
        whole('--pg-version', 10, 99),
      ),
      ALLOW,
      option('--upstream <upstream>', 'a node of the file, or HOST[:PORT]'),
      SLOT,
      ROLE,
    ],
    examples: [
      'pgrepl render postgresql.conf pg1',
      'pgrepl render pg_hba.conf --allow 10.0.0.12',
      'pgrepl render recovery.conf --pg-version 11 --upstream 10.0.0.11 --name pg2 -D /pg/11/data',
    ],
    common: OF_LOOKS,
    load: async () => (await import('./verbs/render.ts')).render,
  },
  {
    name: 'demo',
    args: '',
    summary: 'show the main job on this machine: a primary and two standbys that fail over',
    detail:
      'The servers run in a temporary directory on free ports, and everything is removed in the end, with Ctrl-C too.',
    options: [option('--keep', 'leave it running, and say how to connect and how to remove it')],
    examples: ['pgrepl demo', 'pgrepl demo --keep'],
    common: OF_ALL,
    load: async () => (await import('./verbs/demo.ts')).demo,
  },
];
