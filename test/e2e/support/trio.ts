import { join } from 'node:path';
import { clusterFile, type FileNode } from './clusterFile.ts';
import { freePort } from './machine.ts';
import { pgrepl, type Result } from './pgrepl.ts';
import { scratch } from './scratch.ts';

export type Trio = {
  dir: string;
  file: string;
  data: (name: string) => string;
  port: (name: string) => number;
  /** Runs pgrepl with the cluster file. */
  run: (...words: readonly string[]) => Promise<Result>;
};

type More = Readonly<Record<string, Partial<FileNode>>>;

/** pg1 and two standbys of it, made by pgrepl. `make` runs in a beforeAll; they go with the file's last test. */
export function trio(more: More = {}): Trio & { make: () => Promise<void> } {
  return fleet(['pg2', 'pg3'], more);
}

/** pg1 and these standbys of it. */
export function fleet(standbys: readonly string[], more: More = {}): Trio & { make: () => Promise<void> } {
  const dir = scratch();
  const ports = new Map<string, number>();
  const data = (name: string): string => join(dir, name);
  const made: Trio = {
    dir,
    file: join(dir, 'pgrepl.yaml'),
    data,
    port: (name) => ports.get(name) ?? 0,
    run: (...words) => pgrepl([...words, '-c', made.file]),
  };
  const make = async (): Promise<void> => {
    for (const name of ['pg1', ...standbys]) ports.set(name, await freePort());
    const node = (name: string, upstream?: string): FileNode => ({
      pgdata: data(name),
      port: made.port(name),
      ...(upstream === undefined ? {} : { upstream }),
      ...more[name],
    });
    const below = standbys.map((name) => [name, node(name, 'pg1')] as const);
    clusterFile(dir, { pg1: node('pg1'), ...Object.fromEntries(below) });
    await well(made.run('init-primary', 'pg1'));
    // A copy takes two of the ten walsenders, and who streams one.
    for (let at = 0; at < standbys.length; at += 2)
      await Promise.all(standbys.slice(at, at + 2).map((name) => well(made.run('clone-standby', name))));
  };
  return { ...made, make };
}

async function well(running: Promise<Result>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(`status ${code}: ${stderr}`);
}
