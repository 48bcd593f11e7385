declare const brand: unique symbol;

/** `server_version_num`: 150018 is 15.18. Compare it with the named boundaries below, never with a number. */
export type ServerVersion = number & { readonly [brand]: 'ServerVersion' };

export const OLDEST = 100000 as ServerVersion;
/** pg_basebackup can create its slot; non-superusers can rewind (11). */
export const REWIND_WITHOUT_SUPERUSER = 110000 as ServerVersion;
/** A data directory may be readable by its group (initdb -g) (11). */
export const GROUP_ACCESS = 110000 as ServerVersion;
/** recovery.conf is gone, standby.signal and settings instead; pg_promote() is there (12). */
export const RECOVERY_IN_SETTINGS = 120000 as ServerVersion;
/** pg_rewind has --no-sync (12). */
export const REWIND_NO_SYNC = 120000 as ServerVersion;
/** primary_conninfo and primary_slot_name follow a reload (13). */
export const CONNINFO_BY_RELOAD = 130000 as ServerVersion;
/** wal_keep_size instead of wal_keep_segments; max_slot_wal_keep_size and wal_status (13). */
export const WAL_KEEP_SIZE = 130000 as ServerVersion;
export const SLOT_KEEP_LIMIT = 130000 as ServerVersion;
/** pg_rewind recovers a crashed target itself, restores WAL, writes -R (13). */
export const REWIND_RECOVERS = 130000 as ServerVersion;
/** Hot standby pauses instead of stopping when a setting is too low; in_hot_standby is shown (14). */
export const PAUSES_ON_LOW_SETTINGS = 140000 as ServerVersion;
/** pg_rewind takes --config-file; exclusive backups are gone; CHECKPOINT by pg_checkpoint (15). */
export const REWIND_CONFIG_FILE = 150000 as ServerVersion;
export const NO_EXCLUSIVE_BACKUP = 150000 as ServerVersion;
/** promote_trigger_file is an unknown parameter (16). */
export const NO_TRIGGER_FILE = 160000 as ServerVersion;
/** initdb turns data checksums on by itself (18). */
export const CHECKSUMS_BY_DEFAULT = 180000 as ServerVersion;

/** The first `server_version_num` of a major: 17 is 170000. Majors before 10 are not supported. */
export function ofMajor(major: number): ServerVersion {
  return (major * 10000) as ServerVersion;
}

export function majorOf(version: ServerVersion): number {
  return Math.floor(version / 10000);
}

/** As people write it: `17.11`. */
export function shown(version: ServerVersion): string {
  return `${majorOf(version)}.${version % 10000}`;
}

/** Whether the server is of `boundary` or newer. */
export function has(version: ServerVersion, boundary: ServerVersion): boolean {
  return version >= boundary;
}
