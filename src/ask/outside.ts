import { LOOKING } from '../cluster/session.ts';
import type { Node } from '../cluster/types.ts';
import type { NodeState } from '../facts/state.ts';
import { withoutProgram } from '../facts/withoutProgram.ts';
import type { OutsideUpstream } from '../plan/promote/promoteGates.ts';
import { conninfo, parseConninfo } from '../render/conninfo.ts';
import type { Ask } from '../run/asking.ts';
import { script, WITH_PASSWORD } from '../tools/shell.ts';

/**
 * What became of a standby's upstream that no file names, asked from the standby's host with the standby's own
 * connection: whoever may replicate from it may ask whether it takes writes, if pg_hba.conf lets them in.
 */
export async function askOutside(
  node: Node,
  found: Extract<NodeState, { is: 'standby' }>,
  ask: Ask,
): Promise<OutsideUpstream | undefined> {
  const parts = parseConninfo(found.conninfo);
  if (parts?.['host'] === undefined && parts?.['hostaddr'] === undefined) return undefined;
  const name = `${parts['host'] ?? parts['hostaddr'] ?? ''}:${parts['port'] ?? '5432'}`;
  const { replication: _, application_name: _name, password, sslpassword: _key, ...rest } = parts;
  const to = conninfo({ ...rest, dbname: 'postgres', connect_timeout: '5', application_name: 'pgrepl' });
  const psql = found.machine.programs.psql ?? 'psql';
  const argv = [
    'env',
    'LC_ALL=C',
    `PGOPTIONS=${LOOKING}`,
    psql,
    '-XAtqw',
    '-d',
    to,
    '-c',
    'SELECT pg_is_in_recovery()',
  ];
  // What stands in primary_conninfo itself is a secret too: every user of the host may read the words of a process.
  const ended = await (password === undefined
    ? ask(node.name, argv, { seconds: 15 })
    : ask(node.name, script(WITH_PASSWORD, 'with-password', ...argv), {
        stdin: `${password}\n`,
        seconds: 15,
      }));
  const said = ended.timedOut
    ? 'no answer in time'
    : withoutProgram(ended.stderr.trim().split('\n')[0] ?? '');
  if (ended.code === 0) return { name, is: ended.stdout.trim() === 'f' ? 'primary' : 'standby', said };
  return { name, is: kindOf(said), said };
}

/** libpq's words under LC_ALL=C (fe-connect.c); a server that says FATAL is one that lives. */
function kindOf(said: string): OutsideUpstream['is'] {
  if (/FATAL|fe_sendauth|no password supplied|authentication/.test(said)) return 'alive';
  if (/Connection refused/.test(said) && !/timeout|unreachable|No route/.test(said)) return 'not listening';
  if (/No such file or directory/.test(said)) return 'not listening';
  return 'unknown';
}
