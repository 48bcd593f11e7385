import { quoteConf } from './conf.ts';

/** Settings of recovery.conf; those not named here, such as `restore_command`, are as welcome. */
export type RecoverySettings = {
  primary_conninfo: string;
  primary_slot_name?: string;
  restore_command?: string;
  recovery_min_apply_delay?: string;
  trigger_file?: string;
};

/**
 * recovery.conf for servers up to 11, where it is also what makes a server a standby. `latest` is no default
 * there, and without it a standby stays behind when its upstream is promoted. From 12 on a server with such a
 * file refuses to start: https://www.postgresql.org/docs/12/release-12.html.
 */
export function recoveryConf(settings: RecoverySettings): string {
  const all = { standby_mode: 'on', recovery_target_timeline: 'latest', ...settings };
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${quoteConf(value)}\n`)
    .join('');
}

/**
 * Settings of a past life that must not stay in postgresql.auto.conf after a clone or a promotion. A copy has
 * its upstream's file, and promotion removes standby.signal but no setting, while postgresql.auto.conf beats
 * every other file. So a leftover primary_conninfo sends the server to a primary of long ago as soon as it is a
 * standby again, a recovery target stops it in the past, a delay makes it late without anybody's wish, and
 * promote_trigger_file is unknown from 16 on and keeps it from starting. What tells how to archive and restore
 * is not here: it holds for every server of a cluster.
 */
export const HAUNTING: readonly string[] = [
  'primary_conninfo',
  'primary_slot_name',
  'promote_trigger_file',
  'recovery_min_apply_delay',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_inclusive',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_timeline',
  'recovery_target_xid',
];
