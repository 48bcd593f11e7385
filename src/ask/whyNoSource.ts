import type { Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { withoutProgram } from '../facts/withoutProgram.ts';
import type { Link } from '../plan/link.ts';
import { isUp } from '../plan/steps.ts';
import { decides, parseHba } from '../render/hba.ts';
import type { Spawned } from '../run/spawn.ts';

export type NoSource = { problems: readonly Problem[]; unreachable: boolean };

/**
 * Why an upstream does not let the role replicate, from libpq's words under LC_ALL=C and the server's own, with the
 * line of pg_hba.conf that decided where that file can be read. A server that says something can be reached.
 */
export function whyNoSource(
  name: string,
  node: Node,
  link: Link,
  state: ClusterState,
  ended: Spawned,
): NoSource {
  const said = saidBy(ended);
  const at = `${name} (${link.host}:${link.port})`;
  const refused = (hint: string): NoSource => ({
    problems: [
      {
        message: `${node.name}: ${at} does not let the role ${link.role} replicate from here: ${said}`,
        hint,
      },
    ],
    unreachable: false,
  });
  const line = decidingLine(name, link, state, said);
  if (/password authentication failed|no password supplied|SASL|authentication/i.test(said))
    return refused(
      `${line}pgrepl init-primary ${name} sets the password of the role; --password-file names it here.`,
    );
  if (/pg_hba\.conf/.test(said))
    return refused(`${line}pgrepl init-primary ${name} --allow ADDRESS lets this host in.`);
  if (/starting up|shutting down|not yet accepting|recovery mode/.test(said))
    return noAnswer(node, at, said, 'Wait until it takes connections.');
  if (/too many clients|max_wal_senders|remaining connection slots|too many connections/.test(said))
    return refused(`Raise max_wal_senders or max_connections on ${name}, or end what uses them.`);
  if (/FATAL/.test(said)) return refused(`pgrepl init-primary ${name} makes the role.`);
  return noAnswer(node, at, said, 'Is it running, and does it listen on that address and port?');
}

function saidBy(ended: Spawned): string {
  if (ended.timedOut) return 'no answer in time';
  // A line that begins with a tab asks what we ask in the hint.
  const lines = ended.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('\t'));
  return withoutProgram(lines.at(-1) ?? '');
}

function noAnswer(node: Node, at: string, said: string, hint: string): NoSource {
  return {
    problems: [{ message: `${node.name}: ${at} cannot be reached from here: ${said}`, hint }],
    unreachable: true,
  };
}

function decidingLine(name: string, link: Link, state: ClusterState, said: string): string {
  const seen = state.nodes.find(({ node }) => node === name);
  const address = /host "([^"]+)"/.exec(said)?.[1] ?? (link.host === 'localhost' ? '127.0.0.1' : link.host);
  if (!isUp(seen) || seen.place.files.hba === undefined) return '';
  const { path, text } = seen.place.files.hba;
  const record = decides(parseHba(text).records, { replication: true, user: link.role, address, ssl: false });
  return record === undefined
    ? `No line of ${path} lets ${address} in for replication. `
    : `${path} line ${record.line} decides (${record.method}). `;
}
