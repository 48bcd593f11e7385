/**
 * What holds in a session of ours, as PGOPTIONS: it beats what ALTER ROLE, ALTER DATABASE and postgresql.conf say
 * (GucSource in guc.h: PGC_S_CLIENT). Every major from 10 on has all of it.
 *
 * - search_path: we are a superuser, and where others may create in a schema, a function or an aggregate of theirs that
 *   fits the arguments better than PostgreSQL's own would run as us (CVE-2018-1058).
 * - Where serializable is the default, a standby refuses every question (GetSerializableTransactionSnapshot, predicate.c).
 * - A time that we read and give back is the same one in DateStyle ISO only.
 */
const EVERY = {
  search_path: 'pg_catalog',
  client_min_messages: 'error',
  DateStyle: 'ISO',
  default_transaction_isolation: 'read\\ committed',
  lock_timeout: '0',
};

/**
 * Of who changes something: a commit of ours must not wait for a synchronous standby that is not there, databases may
 * be read-only by default, and how long a statement may take we know ourselves.
 */
const CHANGING = {
  default_transaction_read_only: 'off',
  synchronous_commit: 'local',
  statement_timeout: '0',
};

function options(settings: Readonly<Record<string, string>>): string {
  return Object.entries({ ...EVERY, ...settings })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/** A word for env(1). */
export const SESSION = `PGOPTIONS=${options(CHANGING)}`;

/** Of a look: the settings that it reads are the session's own, so none is given that anybody reads. */
export const LOOKING = options({ statement_timeout: '15s' });
