import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { clusterFile, type FileNode } from './clusterFile.ts';
import { IS_ROOT, OWNER, asOwner, freePort, program, waitFor } from './machine.ts';
import { pgrepl, type Document, type Options, type Result } from './pgrepl.ts';
import { scratch } from './scratch.ts';
import { isRunning, newServer, sql, startServer, stopServer } from './server.ts';

/** A cluster of a file: its first node is the primary, the others are clones of the node that is their upstream. */
export type Flock = {
  dir: string;
  file: string;
  pgdata: (name: string) => string;
  port: (name: string) => number;
  /** pgrepl with the file. */
  run: (words: readonly string[], options?: Options) => Promise<Result>;
  document: (words: readonly string[], options?: Options) => Promise<Document>;
};

type Made = {
  settings?: Readonly<Record<string, string>>;
  /** Nodes that are clusters of Debian's: `15/main`, with the directory of their data. */
  debian?: Readonly<Record<string, { cluster: string; data: string }>>;
  /** The primary is there before pgrepl is: made by initdb, without checksums. */
  byHand?: boolean;
};

/** In memory where we may mount: a rewind ends with a sync, and nothing here is about the disk. */
export async function flock(
  upstreams: Readonly<Record<string, string | undefined>>,
  { settings = {}, debian = {}, byHand = false }: Made = {},
): Promise<Flock> {
  const dir = inMemory(scratch());
  const nodes: Record<string, FileNode & { port: number }> = {};
  for (const [name, upstream] of Object.entries(upstreams)) {
    nodes[name] = {
      pgdata: debian[name]?.cluster ?? join(dir, name),
      port: await freePort(),
      ...(upstream === undefined ? {} : { upstream }),
    };
  }
  const file = clusterFile(dir, nodes);
  const made: Flock = {
    dir,
    file,
    pgdata: (name) => debian[name]?.data ?? join(dir, name),
    port: (name) => nodes[name]?.port ?? 0,
    run: (words, options) => pgrepl([...words, '--config', file], { seconds: 100, ...options }),
    document: async (words, options) => {
      const ended = await pgrepl([...words, '--config', file, '--json'], { seconds: 100, ...options });
      const document = ended.json();
      expect(document.status, ended.stdout).toBe(ended.code);
      return document;
    },
  };
  for (const [name, { upstream }] of Object.entries(nodes)) {
    if (upstream === undefined && byHand) newServer(made.pgdata(name), made.port(name));
    const words = upstream === undefined ? ['init-primary', name] : ['clone-standby', name];
    const ended = await made.run(words);
    expect(ended.code, ended.stderr).toBe(0);
    if (upstream === undefined && debian[name] === undefined) quick(made.pgdata(name), settings);
  }
  return made;
}

function inMemory(dir: string): string {
  const inner = join(dir, 'm');
  mkdirSync(inner);
  if (!IS_ROOT) return inner;
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3g,mode=0755', 'none', inner]);
  execFileSync('chown', [OWNER, inner]);
  return inner;
}

function quick(pgdata: string, settings: Readonly<Record<string, string>>): void {
  const lines = Object.entries({ fsync: 'off', min_wal_size: '64MB', ...settings });
  appendFileSync(
    join(pgdata, 'postgresql.conf'),
    lines.map(([name, value]) => `${name} = '${value}'\n`).join(''),
  );
  stopServer(pgdata);
  startServer(pgdata);
}

/** The primary writes what no standby receives, and crashes: its walsenders are frozen meanwhile. */
export async function crashAhead(flock: Flock, name: string, write: string): Promise<void> {
  const pgdata = flock.pgdata(name);
  const pids = sql(pgdata, 'SELECT pid FROM pg_stat_replication;').split('\n').filter(Boolean).map(Number);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  sql(pgdata, write);
  sql(pgdata, 'SELECT pg_switch_wal();');
  sql(pgdata, write);
  asOwner([program('pg_ctl'), '-D', pgdata, '-s', '-W', '-m', 'immediate', 'stop']);
  // A frozen process does not see that its postmaster wants it to go.
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await waitFor(() => !isRunning(pgdata), { what: 'the crash' });
}

/** What the primary shows of a standby. */
export function streaming(primary: string, name: string): boolean {
  return (
    sql(
      primary,
      `SELECT count(*) FROM pg_stat_replication WHERE application_name = '${name}' AND state = 'streaming';`,
    ) === '1'
  );
}
