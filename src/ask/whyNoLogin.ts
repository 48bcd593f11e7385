import type { Node } from '../cluster/types.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Link } from '../plan/link.ts';
import type { Up } from '../plan/steps.ts';
import { replicationPsql } from '../plan/upstreamSlot.ts';
import type { Ask } from '../run/asking.ts';
import { script, WITH_PASSWORD } from '../tools/shell.ts';
import { whyNoSource, type NoSource } from './whyNoSource.ts';

/** Seconds for one login; a host that swallows packets must not hold a switchover up for long. */
const LOGIN_SECONDS = 12;

/** Why a standby could not log in at the upstream it is to have; undefined where it can. Tried from the standby's host. */
export async function whyNoLogin(
  upstream: string,
  node: Node,
  found: Up,
  link: Link,
  state: ClusterState,
  ask: Ask,
): Promise<NoSource | undefined> {
  const plain = ['env', 'LC_ALL=C', ...replicationPsql(found.machine.programs.psql ?? 'psql', link)];
  const words = link.password === undefined ? plain : script(WITH_PASSWORD, 'with-password', ...plain);
  const password = link.password === undefined ? '' : `${link.password.reveal()}\n`;
  const ended = await ask(node.name, words, {
    stdin: `${password}IDENTIFY_SYSTEM;\n`,
    seconds: LOGIN_SECONDS,
  });
  return ended.code === 0 ? undefined : whyNoSource(upstream, node, link, state, ended);
}
