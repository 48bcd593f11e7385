import type { Node } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Link } from '../plan/link.ts';
import type { Seen } from '../plan/steps.ts';
import { replicationConninfo } from '../plan/upstreamSlot.ts';
import { conninfo } from '../render/conninfo.ts';
import type { Ask } from '../run/asking.ts';
import { LOGINS } from '../tools/logins.ts';
import { script } from '../tools/shell.ts';
import { lastLine } from './lastLine.ts';
import { whyNoSource, type NoSource } from './whyNoSource.ts';

/**
 * What pg_rewind executes at its source (libpq_source.c, app-pgrewind: "Notes"). In 10 everybody may execute that, and
 * it refuses who is no superuser (genfile.c).
 */
const RIGHTS = `SELECT CASE WHEN current_setting('server_version_num')::int < 110000 AND current_setting('is_superuser') <> 'on'
    THEN 'superuser' ELSE 'lacks ' || coalesce(string_agg(f, ', '), '') END FROM unnest(ARRAY['pg_ls_dir(text,boolean,boolean)',
    'pg_stat_file(text,boolean)', 'pg_read_binary_file(text)', 'pg_read_binary_file(text,bigint,bigint,boolean)']) f
    WHERE NOT has_function_privilege(f, 'EXECUTE');`;

export type Logins = {
  /** Why the role may not replicate from there; absent where it may. */
  noReplication?: NoSource;
  /** Why it may not read there what pg_rewind reads; absent where it may. */
  rewinder?: string;
};

/** The two logins that a rejoin needs, tried from the node's own host as they will be made, side by side. */
export async function askLogins(
  upstream: string,
  node: Node,
  found: Seen,
  link: Link,
  state: ClusterState,
  ask: Ask,
): Promise<Logins> {
  const toDatabase = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    dbname: 'postgres',
    connect_timeout: '10',
    application_name: 'pgrepl',
  });
  const psql = found.machine.programs.psql ?? 'psql';
  const argv = script(LOGINS, 'logins', psql, replicationConninfo(link), toDatabase, RIGHTS);
  const ended = await ask(node.name, argv, { stdin: `${link.password?.reveal() ?? ''}\n`, seconds: 30 });
  const { replication, rights } = answersOf(ended.stdout);
  const stderr = replication?.text ?? ended.stderr;
  const rewinder = whyNoRights(rights?.text ?? '');
  return {
    ...(replication?.code === 0
      ? {}
      : { noReplication: whyNoSource(upstream, node, link, state, { ...ended, stderr }) }),
    ...(rewinder === undefined ? {} : { rewinder }),
  };
}

type Answer = { code: number; text: string };

/** The answers by their heads, `@name STATUS`. */
function answersOf(stdout: string): Readonly<Record<string, Answer | undefined>> {
  const [, ...parts] = stdout.split(/^@([a-z]+) (\d+)$/m);
  const answers: Record<string, Answer> = {};
  for (let at = 0; at + 2 < parts.length; at += 3)
    answers[parts[at] ?? ''] = { code: Number(parts[at + 1]), text: (parts[at + 2] ?? '').trim() };
  return answers;
}

function whyNoRights(said: string): string | undefined {
  if (/^superuser$/m.test(said)) return 'is no superuser';
  const lacks = /^lacks(.*)$/m.exec(said)?.[1]?.trim();
  if (lacks === undefined) return `cannot log in to the database postgres: ${lastLine(said)}`;
  return lacks === '' ? undefined : `may not execute ${lacks}`;
}
