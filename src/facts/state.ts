import type { DebianName } from '../cluster/types.ts';
import type { ServerVersion } from '../cluster/version.ts';
import type { Lsn } from './lsn.ts';

/** The host a node lives on, as the login sees it. */
export type Machine = {
  login: string;
  /** The owner of the data, when it is somebody else than the login: commands about data run as them. */
  become?: string;
  /** How to become them. */
  by: 'self' | 'runuser' | 'su' | 'sudo';
  hostname: string;
  os: string;
  /** `glibc 2.36`, `musl`: what sorts text. */
  libc: string;
  /** The programs that were found, by name; those not there are absent. */
  programs: Readonly<Partial<Record<Program, string>>>;
  /** The major of these programs. */
  major?: number;
  /** Majors whose servers are installed, with the directory of their programs. */
  bindirs: Readonly<Record<string, string>>;
  systemd: boolean;
  /** pg_ctlcluster and its family are there. */
  postgresqlCommon: boolean;
};

export type Program =
  | 'postgres'
  | 'initdb'
  | 'pg_ctl'
  | 'psql'
  | 'pg_basebackup'
  | 'pg_controldata'
  | 'pg_rewind'
  | 'pg_verifybackup'
  | 'pg_amcheck';

/** The place of a data directory, whether there is one or not. */
export type Place = {
  /** Absolute, as it was named. */
  pgdata: string;
  /** With every symbolic link resolved; writing goes here, so that a link stays one. */
  real: string;
  exists: boolean;
  /** The deepest directory of its path that is there. */
  nearest: string;
  /** It is a file system of its own and cannot be renamed over. */
  mountPoint: boolean;
  /** The owner may make directories beside it. */
  parentWritable: boolean;
  /** The owner may make the directory, with those above it that are missing. */
  creatable: boolean;
  owner?: string;
  /** Its permissions, as chmod has them: `755`. */
  mode?: string;
  freeBytes: number;
  /** The owner of the directory is not who the server runs as: it was made empty by root. */
  foreignOwner: boolean;
  /** Where a copy is made before it is real: beside it, or inside where it cannot be renamed over. */
  staging: string;
  /** A half-made copy of ours is there: the staging directory with our mark in it. */
  staged: boolean;
  /** That copy is whole, and was being moved into a mount point. */
  complete: boolean;
  /** Directories of the staging's name without our mark: somebody else's, never touched. */
  obstacles: readonly string[];
  /** Our and PostgreSQL's small files that are there: standby.signal, pgrepl.pgpass. */
  signals: readonly string[];
  /** Where a server may put its socket: the first that the owner can write. */
  socketDirs: readonly string[];
  /** TCP ports somebody listens on. */
  listening: readonly number[];
  /** Data directories that --replace moved aside. */
  aside: readonly string[];
  /** The running postmaster's, or the next one's: `/run/postgresql`; `localhost` where it has none. */
  socketDir?: string;
  /** What `postgres -C` says about the files of a server that does not run, where it does not like them. */
  confWrong?: string;
  /** The superuser to ask as, where it is not called like the owner: as it was named, or as initdb made it. */
  superuser?: string;
  /** The file that the running postmaster's stderr goes to, where its owner may write it. */
  log?: string;
  /** Where pg_wal points, if it is a link. */
  walLink?: string;
  /** What is free there. */
  walFreeBytes?: number;
  /** The same as the link has it: links in the path of its target are not resolved. */
  walNamed?: string;
  tablespaces: readonly { oid: number; location: string }[];
  service: Service;
  files: ConfigFiles;
  /** When our file or pg_hba.conf was written last: seconds since 1970, on the clock of its host. */
  written?: number;
};

/** Who starts and stops the server. */
export type Service =
  { by: 'pg_ctl' } | { by: 'pg_ctlcluster'; name: DebianName } | { by: 'systemd'; unit: string };

export type ConfigFile = { path: string; text: string };

/** The configuration as text. A file that is not there has no entry. */
export type ConfigFiles = {
  conf?: ConfigFile;
  auto?: ConfigFile;
  hba?: ConfigFile;
  /** Our own file, where our include or conf.d puts it. */
  own?: ConfigFile;
  /** recovery.conf, up to 11. */
  recovery?: ConfigFile;
  /** Everything postgresql.conf includes, in no order. */
  included: readonly ConfigFile[];
};

/** pg_controldata's lines, those a planner reads. */
export type ControlData = {
  version: ServerVersion;
  systemIdentifier: string;
  state: string;
  checkpoint: Lsn;
  redo: Lsn;
  timeline: number;
  minRecoveryEnd: Lsn;
  minRecoveryTimeline: number;
  checksums: boolean;
  walLogHints: boolean;
  /** The five settings a hot standby may not have lower, as the primary wrote them. */
  floors: Readonly<Record<string, number>>;
};

export type Setting = {
  value: string;
  unit: string;
  context: string;
  source: string;
  file?: string;
  line?: number;
  pendingRestart: boolean;
};

export type Slot = {
  name: string;
  type: 'physical' | 'logical';
  active: boolean;
  activePid?: number;
  restartLsn?: Lsn;
  /** Bytes of WAL it holds back. */
  held: number;
  /** reserved, extended, unreserved, lost; from 13. */
  walStatus?: string;
  safeBytes?: number;
};

/** A row of pg_stat_replication. */
export type Walsender = {
  pid: number;
  applicationName: string;
  user: string;
  address?: string;
  state: string;
  sent?: Lsn;
  flushed?: Lsn;
  replayed?: Lsn;
  sync: string;
  slot?: string;
};

export type HbaRule = {
  line: number;
  type?: string;
  databases: readonly string[];
  users: readonly string[];
  address?: string;
  mask?: string;
  method?: string;
  error?: string;
  file?: string;
};

/** A role that may replicate, or a superuser. `verifier` is what pg_authid holds, where we may read it. */
export type Role = {
  name: string;
  login: boolean;
  replication: boolean;
  superuser: boolean;
  verifier?: string;
  /** It may run the functions that pg_rewind calls at its source. */
  rewinds: boolean;
};

/** What a running server says of itself. */
export type Server = {
  version: ServerVersion;
  pid: number;
  port: number;
  socketDir: string;
  /** The superuser and the database that questions were asked with. */
  user: string;
  database: string;
  systemIdentifier: string;
  timeline: number;
  superuser: boolean;
  /** When it read its configuration last: seconds since 1970, on its own clock. */
  loaded: number;
  clock: number;
  settings: Readonly<Record<string, Setting>>;
  /** Lines of the configuration files that are wrong. */
  fileErrors: readonly { file: string; line: number; name: string; error: string }[];
  /** The same names in more than one place: which one wins. */
  fileSettings: readonly { file: string; line: number; name: string; value: string; applied: boolean }[];
  hba: readonly HbaRule[];
  roles: readonly Role[];
  slots: readonly Slot[];
  walsenders: readonly Walsender[];
  tablespaces: readonly { name: string; location: string; bytes: number }[];
  dataBytes: number;
  collations: readonly { database: string; recorded?: string; actual?: string }[];
  backups: number;
  archiver: { failing: boolean; lastFailed?: string; ready?: number };
  sessions: number;
};

export type Streaming = {
  status: string;
  sender?: string;
  senderPort?: number;
  slot?: string;
  receivedTimeline: number;
};

export type Running = { place: Place; machine: Machine; server: Server };

/** What is there. Unreachable is a state, not an exception: the planner decides whether it matters. */
export type NodeState = { node: string } & (
  | { is: 'unreachable'; because: string; hint?: string }
  | { is: 'empty'; machine: Machine; place: Place }
  /** Not empty, and not a data directory: never touched. */
  | { is: 'foreign'; machine: Machine; place: Place; found: readonly string[] }
  /** `control` is absent where pg_controldata of its major is not installed. */
  | {
      is: 'stopped';
      machine: Machine;
      place: Place;
      version: ServerVersion;
      control?: ControlData;
      standby: boolean;
    }
  /** A server runs and does not answer questions. */
  | {
      is: 'mute';
      machine: Machine;
      place: Place;
      because: string;
      starting: boolean;
      /** It answered, if only that it lets nobody in: unless it is a standby, it may take writes. */
      serves?: true;
      hint?: string;
      /** The segment that it replays, and how many there are at most after it: empty ones count too. */
      recovering?: { segment: string; left: number };
    }
  | (Running & { is: 'primary'; current: Lsn })
  | (Running & {
      is: 'standby';
      received: Lsn | undefined;
      replayed: Lsn | undefined;
      paused: boolean;
      /** Seconds since the last replayed commit, if anything was received that is not replayed. */
      lagSeconds: number;
      streaming?: Streaming;
      /** Its upstream refuses the password that is in its password file; absent where nobody asked. */
      passwordRefused?: true;
      conninfo: string;
      slot: string;
      delayMs: number;
    })
);

export type ClusterState = { nodes: readonly NodeState[] };
