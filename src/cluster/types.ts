/** Where a node's commands run, and how they get there. `user` is the login, not the owner of the data. */
export type Host =
  | { via: 'local' }
  | { via: 'ssh'; destination: string; port?: number }
  | { via: 'docker'; container: string };

/** A password by reference. It is read when it is needed and lives in a `Secret` from then on. */
export type PasswordSource = { file: string } | { env: string } | { command: readonly string[] };

/** A cluster of Debian's postgresql-common, as `pg_lsclusters` names it: `17/main`. */
export type DebianName = { major: number; cluster: string };

/** A server as people named it, in a cluster file or by flags; what is not said is found on the host. */
export type Node = {
  name: string;
  host: Host;
  /** What other nodes connect to: a name or an address. */
  address?: string;
  port?: number;
  /** Absolute. Either this or `debian` is there, except for a node that can only be reached by SQL. */
  pgdata?: string;
  debian?: DebianName;
  bindir?: string;
  /** Who the server is asked as, where it is neither called like the owner of the data nor found. */
  superuser?: string;
  waldir?: string;
  /** Old location to new location, as pg_basebackup's -T. */
  tablespaces?: Readonly<Record<string, string>>;
  /** The node it streams from, by name; a node without one is meant to be the primary. */
  upstream?: string;
  /** What its upstream calls it (application_name), where that is not its name. */
  seenAs?: string;
  /** The slot it uses at its upstream. */
  slot: string;
};

export type Cluster = {
  name: string;
  replication: { role: string; password?: PasswordSource };
  nodes: readonly Node[];
  /** The file it was read from; absent where flags named one server. */
  file?: string;
};

/** What a verb works on. `node` is the one it was given, where it takes one. */
export type Target = { cluster: Cluster; node?: Node };
export type NodeTarget = Required<Target>;
