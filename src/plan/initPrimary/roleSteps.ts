import { has, REWIND_WITHOUT_SUPERUSER, type ServerVersion } from '../../cluster/version.ts';
import type { Socket } from '../../tools/psql.ts';
import { sqlIdentifier, sqlLiteral, type Text } from '../../tools/words.ts';
import type { InitRequest } from './initRequest.ts';
import type { Step } from '../plan.ts';
import { sql } from '../steps.ts';

/** The role of replication, what it may read for pg_rewind, and the slots: what is asked of a server that runs. */
export function roleSteps(
  request: InitRequest,
  socket: Socket,
  version: ServerVersion,
  missing: { role: boolean; grants: boolean; slots: readonly string[] },
): readonly Step[] {
  const name = request.node.name;
  return [
    ...(missing.role ? [sql(name, `the role ${request.role} may replicate`, socket, roleSql(request))] : []),
    ...(missing.grants && has(version, REWIND_WITHOUT_SUPERUSER) && request.role !== socket.user
      ? [
          sql(name, `the role ${request.role} may read what pg_rewind reads`, socket, [
            grantSql(request.role),
          ]),
        ]
      : []),
    ...missing.slots.map((slot) =>
      sql(name, `a slot for the standby that uses ${slot}`, socket, [slotSql(slot)]),
    ),
  ];
}

/** A verifier in the log of the server could be attacked at leisure. */
const QUIET = `BEGIN;
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_error_statement = 'panic';
`;

/** Made without a password, then given the verifier: both statements can be repeated. */
function roleSql(request: InitRequest): Text {
  const role = sqlIdentifier(request.role);
  const create = `SELECT ${sqlLiteral(`CREATE ROLE ${role} LOGIN REPLICATION`)} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${sqlLiteral(request.role)}) \\gexec\n`;
  const password: Text =
    request.password === undefined ? [] : [` PASSWORD '`, request.password.verifier, `'`];
  return [QUIET, create, `ALTER ROLE ${role} LOGIN REPLICATION`, ...password, ';\nCOMMIT;'];
}

/** https://www.postgresql.org/docs/current/app-pgrewind.html, "Notes". */
function grantSql(role: string): string {
  const functions = [
    'pg_ls_dir(text, boolean, boolean)',
    'pg_stat_file(text, boolean)',
    'pg_read_binary_file(text)',
    'pg_read_binary_file(text, bigint, bigint, boolean)',
  ];
  return functions
    .map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${sqlIdentifier(role)};`)
    .join('\n');
}

/** Not reserved: it holds nothing back until its standby is made. */
function slotSql(slot: string): string {
  const name = sqlLiteral(slot);
  return `SELECT pg_create_physical_replication_slot(${name}) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${name});`;
}
