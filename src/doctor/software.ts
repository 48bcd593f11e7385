import { majorOf } from '../cluster/version.ts';
import type { Program } from '../facts/state.ts';
import { isRunning } from '../facts/view.ts';
import { isSeen, type Seen } from '../plan/steps.ts';
import { checking, EVERY, type Case, type Check, type Examiner } from './check.ts';

const programs = checking('programs', EVERY);
const NEEDED: readonly Program[] = [
  'postgres',
  'pg_ctl',
  'psql',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
];

/** PostgreSQL's programs are there, and of the major of the data. */
export const tools: Examiner = ({ primary }, { name }, found) => {
  if (!isSeen(found) || found.is === 'foreign') return [];
  const { machine } = found;
  const missing = [...NEEDED, ...(found.is === 'empty' ? (['initdb'] as const) : [])].filter(
    (program) => machine.programs[program] === undefined,
  );
  if (missing.length > 0)
    return [
      programs.wrong(
        name,
        `these programs are not there: ${missing.join(', ')}`,
        'Install the server package of PostgreSQL, or name the directory with bindir.',
      ),
    ];
  const wanted = majorOfData(found) ?? (primary && majorOf(primary.server.version));
  const has = machine.major;
  if (
    wanted !== undefined &&
    has !== undefined &&
    wanted !== has &&
    machine.bindirs[String(wanted)] === undefined
  )
    return [
      programs.wrong(
        name,
        `the programs are of PostgreSQL ${has}, the data of ${wanted}`,
        `Install PostgreSQL ${wanted}, or name its programs with bindir.`,
      ),
    ];
  return [
    programs.ok(name, `PostgreSQL's programs are there${wanted === undefined ? '' : `, of ${wanted}`}`),
  ];
};

function majorOfData(found: Seen): number | undefined {
  if (isRunning(found)) return majorOf(found.server.version);
  return found.is === 'stopped' ? majorOf(found.version) : undefined;
}

const versions = checking('version', ['clone-standby', 'switchover', 'rejoin']);

/** WAL of one major means nothing to another. */
export const sameMajor: Examiner = ({ primary }, { name }, found) => {
  const own = isSeen(found) ? majorOfData(found) : undefined;
  if (primary === undefined || own === undefined || primary.node === name) return [];
  const there = majorOf(primary.server.version);
  if (own === there) return [versions.ok(name, `is of PostgreSQL ${own}, as ${primary.node} is`)];
  return [
    versions.wrong(
      name,
      `is of PostgreSQL ${own}, and ${primary.node} of ${there}`,
      'Only servers of one major replicate so.',
    ),
  ];
};

const sorting = checking('collation', ['clone-standby', 'promote', 'switchover']);

/** An index sorted by one C library is wrong by another: https://wiki.postgresql.org/wiki/Locale_data_changes. */
export const collation: Examiner = (the, { name }, found) => {
  if (!isSeen(found)) return [];
  return [...otherLibrary(the, name, found), ...changedSince(name, found)];
};

function otherLibrary({ primary }: Case, name: string, found: Seen): readonly Check[] {
  if (primary === undefined || primary.node === name) return [];
  const [here, there] = [found.machine.libc, primary.machine.libc];
  if (here === there) return [sorting.ok(name, `sorts by ${here}, as ${primary.node} does`)];
  const what = `sorts by ${here}, and ${primary.node} by ${there}: after a promotion indexes of text may be wrong`;
  return [
    sorting.warning(
      name,
      what,
      'Run the same system on both, or REINDEX what is sorted by text after a promotion (amcheck finds it).',
    ),
  ];
}

function changedSince(name: string, found: Seen): readonly Check[] {
  if (!isRunning(found)) return [];
  return found.server.collations
    .filter(({ recorded, actual }) => recorded !== undefined && actual !== undefined && recorded !== actual)
    .map(({ database, recorded, actual }) =>
      sorting.warning(
        name,
        `the database ${database} was made with collation ${recorded ?? ''}, and the system has ${actual ?? ''}`,
        `REINDEX what is sorted by text, then ALTER DATABASE ${database} REFRESH COLLATION VERSION.`,
      ),
    );
}
