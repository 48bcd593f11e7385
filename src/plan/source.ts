import type { ServerVersion } from '../cluster/version.ts';
import type { Lsn } from '../facts/lsn.ts';

/** What a copy needs to know of the server it is made from, as far as it may be seen with a replication login. */
export type Source = {
  /** A node's name, or host:port. */
  name: string;
  version: ServerVersion;
  systemIdentifier: string;
  timeline: number;
  position: Lsn;
  isStandby: boolean;
  walLevel: string;
  /** The five settings that a hot standby may not have lower. */
  floors: Readonly<Record<string, number>>;
  dataBytes?: number;
  tablespaces?: readonly { name: string; location: string; bytes: number }[];
  senders?: { free: number; most: number };
  slots?: { free: number; most: number; known: readonly SlotSeen[] };
  /** Walsenders of a copy to this host that was cut short: nobody reads what they send. */
  earlier?: readonly number[];
  /** The C library's version that its collations come from: `2.36`. */
  collation?: string;
  checksums?: boolean;
  /** Superusers that may log in; the one that its own host asks as comes first, where that is known. */
  superusers?: readonly string[];
  /** Where the copy would go: the data directory first, then the directories outside it. Absent without any. */
  targets?: readonly TargetSeen[];
};

/** A directory of the standby's host, with the file system it is on. `ours` was filled by a copy cut short. */
export type TargetSeen = {
  path: string;
  device: string;
  freeBytes: number;
  is: 'empty' | 'used' | 'ours';
  /** The deepest directory of its path that is there. */
  nearest: string;
};

export type SlotSeen = { name: string; activePid?: number; reserved: boolean; lost: boolean };
