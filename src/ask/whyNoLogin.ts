import type { Asking } from './source.ts';
import type { Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Link } from '../plan/link.ts';
import type { Up } from '../plan/steps.ts';
import { replicationPsql } from '../plan/upstreamSlot.ts';
import { script, WITH_PASSWORD } from '../tools/shell.ts';
import { whyNoSource } from './whyNoSource.ts';

/** Seconds for one login; a host that swallows packets must not hold a switchover up for long. */
const LOGIN_SECONDS = 12;

/** What stands against a standby's login at the upstream it is to have, tried from its own host as it will be done. */
export async function whyNoLogin(
  upstream: string,
  node: Node,
  found: Up,
  link: Link,
  state: ClusterState,
  { spawn, onNode }: Asking,
): Promise<readonly Problem[]> {
  const plain = ['env', 'LC_ALL=C', ...replicationPsql(found.machine.programs.psql ?? 'psql', link)];
  const words = link.password === undefined ? plain : script(WITH_PASSWORD, 'with-password', ...plain);
  const password = link.password === undefined ? '' : `${link.password.reveal()}\n`;
  const ended = await spawn(onNode({ node: node.name }, words), {
    stdin: `${password}IDENTIFY_SYSTEM;\n`,
    seconds: LOGIN_SECONDS,
  });
  return ended.code === 0 ? [] : whyNoSource(upstream, node, link, state, ended).problems;
}
