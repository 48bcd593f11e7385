import { majorOf } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { effective } from '../plan/effective.ts';
import { writtenLink } from '../plan/link.ts';
import { ownLink } from '../plan/outside.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { isSeen, isUp, type Seen } from '../plan/steps.ts';
import { parseConninfo } from '../render/conninfo.ts';
import { uncommonKeys, whoHas } from '../render/conninfo-keys.ts';
import type { Ask } from '../run/asking.ts';

/**
 * The plan, refused where a standby would be left with a connection that its libpq does not take: its receiver would
 * never come up, and nothing but the server's log would say why. `waitedFor` is the node that is to stream in the end,
 * with what it has where nothing is written. Which libpq a server loads is not told by its version (Debian has one, the
 * newest, for all), so the psql beside it is asked.
 */
export async function refusedByLibpq(
  plan: Plan,
  state: ClusterState,
  ask: Ask,
  waitedFor?: string,
): Promise<Plan> {
  if (plan.steps.length === 0) return plan;
  const problems = await Promise.all(
    state.nodes.filter(isSeen).map((found) => unknownKeys(found, plan, ask, found.node === waitedFor)),
  );
  const all = problems.flat();
  return all.length === 0 ? plan : { title: plan.title, refusals: [...plan.refusals, ...all], steps: [] };
}

async function unknownKeys(
  found: Seen,
  { steps }: Plan,
  ask: Ask,
  isWaitedFor: boolean,
): Promise<readonly Problem[]> {
  const uncommon = uncommonKeys(parseConninfo(connectionOf(found)) ?? {});
  const psql = besideServer(found);
  if (psql === undefined) return [];
  const texts = steps.filter(({ node }) => node === found.node).map(textOf);
  const all = await Promise.all(
    uncommon
      .filter((key) => isKept(texts, key, isWaitedFor))
      .map(async (key) => ((await isUnknown(found, psql, key, ask)) ? [problemOf(found, key)] : [])),
  );
  return all.flat();
}

/** What a primary has in its files is kept where it becomes a standby. */
function connectionOf(found: Seen): string {
  return found.is === 'primary' ? writtenLink(found, found.server.version).conninfo : ownLink(found).conninfo;
}

function isKept(texts: readonly string[], key: string, isWaitedFor: boolean): boolean {
  const writing = texts.filter((text) => text.includes('primary_conninfo'));
  return writing.length === 0 ? isWaitedFor : writing.some((text) => text.includes(`${key}=`));
}

function textOf(step: Step): string {
  const text = step.do === 'write' ? step.content : (step.stdin ?? []);
  return text.filter((part) => typeof part === 'string').join('');
}

/** A psql of somewhere else may have another libpq than the server. */
function besideServer({ machine: { programs } }: Seen): string | undefined {
  const dir = programs.postgres?.replace(/\/postgres$/, '');
  return programs.psql === `${dir ?? ''}/psql` ? programs.psql : undefined;
}

/** conninfo_storeval() in fe-connect.c, before anybody is connected to; there is no socket in a device. */
async function isUnknown(found: Seen, psql: string, key: string, ask: Ask): Promise<boolean> {
  const argv = ['env', 'LC_ALL=C', psql, '-Xw', '-d', `host=/dev/null ${key}=''`, '-c', ''];
  const { stderr } = await ask(found.node, argv, { seconds: 30 });
  return stderr.includes(`invalid connection option "${key}"`);
}

function problemOf(found: Seen, key: string): Problem {
  const set = effective(found, 'primary_conninfo');
  const where = set?.file === undefined ? '' : ` (${set.file} line ${set.line ?? '?'})`;
  return {
    message: `${found.node}: primary_conninfo${where} has ${key}, ${whoHas(key)}, and that of this host${versionOf(found)} does not take it`,
    hint: `Take ${key} out of primary_conninfo, or install a libpq that has it, then run this again.`,
  };
}

function versionOf(found: Seen): string {
  if (!isUp(found) && found.is !== 'stopped') return '';
  return `, beside PostgreSQL ${majorOf(isUp(found) ? found.server.version : found.version)},`;
}
