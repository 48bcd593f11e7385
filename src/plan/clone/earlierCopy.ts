import type { Node } from '../../cluster/types.ts';
import { conninfo } from '../../render/conninfo.ts';
import { applicationName, nameAtUpstream } from '../../render/names.ts';
import { psqlToDatabase } from '../../tools/psql.ts';
import { script, WITH_PASSWORD } from '../../tools/shell.ts';
import type { Text } from '../../tools/words.ts';
import type { CloneRequest } from './cloneRequest.ts';
import type { Link } from '../link.ts';
import type { ExpectStep, Step } from '../plan.ts';
import type { Source } from '../source.ts';
import { run, type Seen } from '../steps.ts';

/** How the sessions of a copy are called at the upstream. */
export function nameOfCopy(node: Node): string {
  return applicationName(`pgrepl_${nameAtUpstream(node)}`);
}

/**
 * The walsenders of copies to this node, for who asks from its host with the psql variable `copy`. The node's lock is
 * held while one is made, so those that are there before are left from one whose connection was cut: the upstream has
 * not noticed yet.
 */
export const OF_EARLIER_COPY = `application_name = :'copy' AND client_addr IS NOT DISTINCT FROM inet_client_addr()`;

/** The upstream's database as the replication role sees it. */
export function databasePsql(psql: string, { host, port, role, passfile }: Link): readonly string[] {
  const to = { host, port: String(port), user: role, dbname: 'postgres', connect_timeout: '10' };
  const own = passfile === undefined ? {} : { passfile };
  return psqlToDatabase(psql, conninfo({ ...to, application_name: 'pgrepl', ...own }));
}

/** A role may end what is its own: pg_terminate_backend() in signalfuncs.c. */
export function earlierCopySteps(found: Seen, request: CloneRequest, source: Source): readonly Step[] {
  if ((source.earlier ?? []).length === 0) return [];
  const { node, link, upstream } = request;
  const psql = databasePsql(found.machine.programs.psql ?? 'psql', link);
  const words = [...psql, '--set', `copy=${nameOfCopy(node)}`];
  const argv = link.password === undefined ? words : script(WITH_PASSWORD, 'with-password', ...words);
  const asks = (select: string): Text => [
    ...(link.password === undefined ? [] : [link.password, '\n']),
    `SELECT ${select} FROM pg_stat_replication WHERE ${OF_EARLIER_COPY};\n`,
  ];
  const why = `end what an earlier copy left open at ${upstream}`;
  const gone: ExpectStep = {
    ...{ node: found.node, why: `it has ended at ${upstream}`, do: 'expect', argv },
    ...{ stdin: asks('count(*)'), stdout: '0', seconds: 60 },
  };
  return [run(found.node, why, argv, { stdin: asks('pg_terminate_backend(pid)') }), gone];
}
