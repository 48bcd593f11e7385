import type { Node } from '../cluster/types.ts';
import { isRunning, type RunningState } from '../facts/view.ts';
import { replicationWants } from '../plan/wants.ts';
import { serviceCommand } from '../report/serviceCommand.ts';
import { checking, type Examiner } from './check.ts';

const settingsOf = checking('settings', ['clone-standby', 'switchover', 'rejoin']);
const sizesOf = checking('sizes', ['rejoin']);
/** What works without them, and worse. */
const SIZES = new Set([
  'wal_keep_size',
  'wal_keep_segments',
  'max_slot_wal_keep_size',
  'wal_retrieve_retry_interval',
]);

/** The settings that init-primary makes: every node needs them, since any may be the primary one day. */
export const settings: Examiner = ({ cluster, extra }, own, found) => {
  const { name } = own;
  if (!isRunning(found)) return [];
  const { server, place } = found;
  const wants = replicationWants({
    version: server.version,
    standbys: Math.max(1, cluster.nodes.length - 1),
    checksums: server.settings['data_checksums']?.value === 'on',
    freeBytes: place.freeBytes,
    listen: cluster.nodes.flatMap((node) => extra.addresses.get(node.name) ?? []),
  });
  const bad = wants.filter((want) => {
    const now = server.settings[want.name];
    return now === undefined || !want.good(now.value, now.unit);
  });
  const told = bad.map((want) => {
    const now = server.settings[want.name]?.value ?? '?';
    const is = now === '' ? 'empty' : now;
    const family = SIZES.has(want.name) ? sizesOf : settingsOf;
    const say = SIZES.has(want.name) ? family.warning : family.wrong;
    const hint =
      found.is === 'primary'
        ? `\`pgrepl init-primary ${name}\` sets it to ${want.value}.`
        : `Set it to ${want.value}; it needs ${restartOf(own, found, want.name)}.`;
    return say(name, `${want.name} is ${is}: ${want.why}`, hint);
  });
  const fine = wants.filter((want) => !bad.includes(want)).map((want) => want.name);
  return [
    ...told,
    ...(fine.length === 0 ? [] : [settingsOf.ok(name, `good as they are: ${fine.join(', ')}`)]),
  ];
};

const publishing = checking('logical', ['promote', 'switchover']);

/** Who publishes on the primary wants to go on after it has changed. */
export const publishes: Examiner = ({ primary }, own, found) => {
  if (primary?.server.settings['wal_level']?.value !== 'logical' || found.is !== 'standby') return [];
  const level = found.server.settings['wal_level']?.value;
  if (level === undefined || level === 'logical') return [];
  const what = `wal_level is ${level}, and ${primary.node} has logical: as the primary it would have no subscribers`;
  const hint = `Set it to logical; it needs ${restartOf(own, found, 'wal_level')}.`;
  return [publishing.warning(own.name, what, hint)];
};

function restartOf(node: Node, found: RunningState, setting: string): string {
  return found.server.settings[setting]?.context === 'postmaster'
    ? serviceCommand(node, found, 'restart')
    : 'a reload';
}

const free = checking('free', ['clone-standby', 'switchover', 'rejoin']);

/** A copy takes two walsenders, a standby one and a slot. */
export const freeSenders: Examiner = ({ cluster }, { name }, found) => {
  if (!isRunning(found)) return [];
  const { server } = found;
  const of = (setting: string): number => Number(server.settings[setting]?.value ?? 0);
  const senders = of('max_wal_senders') - server.walsenders.length;
  const slots = of('max_replication_slots') - server.slots.length;
  const missing = cluster.nodes.filter(
    (node) => node.name !== name && !server.slots.some((slot) => slot.name === node.slot),
  ).length;
  const hint = 'Raise it and restart; `pgrepl slot list` shows slots that nobody needs.';
  return [
    senders >= 2
      ? free.ok(name, `${senders} of ${of('max_wal_senders')} walsenders are free`)
      : free.wrong(
          name,
          `${senders} of ${of('max_wal_senders')} walsenders are free, and a copy takes two`,
          hint,
        ),
    slots >= missing
      ? free.ok(name, `${slots} of ${of('max_replication_slots')} slots are free`)
      : free.wrong(
          name,
          `${slots} of ${of('max_replication_slots')} slots are free, and ${missing} are still needed`,
          hint,
        ),
  ];
};
