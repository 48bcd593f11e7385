import type { Node } from '../cluster/types.ts';
import type { Server } from '../facts/state.ts';
import type { Finding } from './finding.ts';
import { broken, COMMAND, warning } from './finding.ts';
import { leftSignal } from './leftSignal.ts';
import { serviceCommand } from './serviceCommand.ts';
import { FLOORS } from '../facts/floors.ts';
import { archives, type PrimaryState, type RunningState, type View } from '../facts/view.ts';
import { HAUNTING } from '../render/recovery.ts';

/** What is wrong with one running server by itself: its configuration, its archive, its synchronous standbys. */
export function serverFindings(view: View, node: Node, found: RunningState): Finding[] {
  return [
    ...(found.is === 'primary' ? [...waitingCommits(found), ...placed(view, node, found)] : []),
    ...configurationErrors(found),
    ...pendingRestarts(view, node, found),
    ...archiving(found),
  ];
}

/** Settings that wait for a restart. On a primary 12 counts primary_conninfo too, which only standbys read. */
export function pendingOf(server: Server, is: RunningState['is'] = 'standby'): string[] {
  const names = Object.keys(server.settings).filter((name) => server.settings[name]?.pendingRestart === true);
  return is === 'standby' ? names : names.filter((name) => !HAUNTING.includes(name));
}

/** PostgreSQL acknowledges no commit until as many standbys as were asked for have it: SyncRepWaitForLSN(). */
function waitingCommits({ node, server }: PrimaryState): Finding[] {
  const wanted = syncsWanted(server.settings['synchronous_standby_names']?.value ?? '');
  const local = ['off', 'local'].includes(server.settings['synchronous_commit']?.value ?? 'on');
  const there = server.walsenders.filter(
    (each) => each.state === 'streaming' && /^(sync|quorum)$/.test(each.sync),
  );
  if (local || there.length >= wanted) return [];
  const what = `commits wait: synchronous_standby_names wants ${wanted}, and ${there.length} of them stream`;
  const hint =
    'Bring the standby back, or let commits go on: `alter system set synchronous_standby_names to default` and reload.';
  return [broken(node, what, hint)];
}

/** `a, b` is FIRST 1 (a, b), `2 (a, b)` is FIRST 2 (a, b): syncrep_gram.y. */
export function syncsWanted(names: string): number {
  if (names.trim() === '') return 0;
  return Number(/^\s*(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(names)?.[1] ?? 1);
}

/** What decides its next start; what a switchover placed is one thing, and its settings are part of it. */
function placed(view: View, node: Node, found: PrimaryState): Finding[] {
  const left = leftSignal(view, node, found);
  if (left === undefined) return leftovers(found);
  const finding = warning(found.node, left.what, left.hint);
  return left.ofSwitchover ? [finding] : [finding, ...leftovers(found)];
}

/** They do nothing now, and decide where it streams from on the day it becomes a standby again. */
function leftovers({ node, place }: PrimaryState): Finding[] {
  const lines = (place.files.auto?.text ?? '').matchAll(
    /^\s*(primary_conninfo|primary_slot_name)\s*=\s*'[^']/gim,
  );
  const names = [...new Set(Array.from(lines, ([, name = '']) => name))];
  if (names.length === 0) return [];
  return [warning(node, `left over in postgresql.auto.conf: ${names.join(', ')}`, COMMAND.promote(node))];
}

function configurationErrors({ node, server }: RunningState): Finding[] {
  const hint = 'Mend it and reload; until then it is not read, and the next start fails.';
  const inFiles = server.fileErrors.map(({ file, line, name, error }) =>
    warning(node, `${file} line ${line}: ${name === '' ? '' : `${name}: `}${error}`, hint),
  );
  const inHba = server.hba.flatMap(({ file, line, error }) =>
    error === undefined ? [] : warning(node, `${file ?? 'pg_hba.conf'} line ${line}: ${error}`, hint),
  );
  return [...inFiles, ...inHba];
}

function pendingRestarts(view: View, node: Node, found: RunningState): Finding[] {
  const names = pendingOf(found.server, found.is);
  if (names.length === 0) return [];
  const tooLow = wouldBeTooLow(view, found, names);
  if (tooLow !== undefined) return [tooLow];
  return [
    warning(
      node.name,
      `waits for a restart: ${names.join(', ')}`,
      `Restart it when it suits: ${serviceCommand(node, found, 'restart')}.`,
    ),
  ];
}

/** It would not start again: "recovery aborted because of insufficient parameter settings" (xlogrecovery.c). */
function wouldBeTooLow(
  { primary }: View,
  found: RunningState,
  pending: readonly string[],
): Finding | undefined {
  if (found.is !== 'standby' || primary === undefined) return undefined;
  const low = FLOORS.filter((name) => pending.includes(name)).flatMap((name) => {
    const set = found.server.fileSettings.findLast((each) => each.name === name);
    const wanted = primary.server.settings[name]?.value;
    if (set === undefined || wanted === undefined || Number(set.value) >= Number(wanted)) return [];
    return [`${name} = ${set.value} (${set.file} line ${set.line}), and ${wanted} on ${primary.node}`];
  });
  if (low.length === 0) return undefined;
  const what = `would not start again: a standby may not have less than its primary: ${low.join('; ')}`;
  return warning(found.node, what, 'Raise it there before it is restarted.');
}

function archiving(found: RunningState): Finding[] {
  const { node, server } = found;
  if (!server.archiver.failing || !archives(found)) return [];
  const { lastFailed, ready } = server.archiver;
  const since = lastFailed === undefined ? '' : `, last at ${lastFailed}`;
  const waiting = ready === undefined ? '' : `, ${ready} segment${ready === 1 ? ' waits' : 's wait'}`;
  return [warning(node, `archiving fails${since}${waiting}`, 'Its log has the message of archive_command.')];
}
