import { resolve } from 'node:path';
import { byFlags } from './byFlags.ts';
import { absolute, hostOf, superuserOf, type TargetFlags } from './flags.ts';
import { findClusterFile, loadCluster } from './load.ts';
import { parseDebianName } from './name.ts';
import { similar } from './similar.ts';
import type { Cluster, Node, NodeTarget, Target } from './types.ts';
import { eachOf, failure, PgreplError } from '../errors.ts';

/**
 * The cluster and the node that a command line means: a cluster file and a node's name, or flags for a server on
 * this or another host. Throws `usage` with every mistake.
 */
export async function findTarget(
  name: string | undefined,
  flags: TargetFlags,
  needs: 'node',
): Promise<NodeTarget>;
export async function findTarget(
  name: string | undefined,
  flags: TargetFlags,
  needs: 'cluster',
): Promise<Target>;
export async function findTarget(
  name: string | undefined,
  flags: TargetFlags,
  needs: 'node' | 'cluster',
): Promise<Target> {
  const debian = name === undefined ? parseDebianName(flags.pgdata ?? '') : parseDebianName(name);
  const named = name !== undefined && debian === undefined;
  if (name !== undefined && !named && flags.pgdata !== undefined)
    throw new PgreplError('usage', [
      { message: `--pgdata ${flags.pgdata} has no effect: ${name} says already which server is meant` },
    ]);
  const explicit = flags.pgdata !== undefined || (debian !== undefined && name !== undefined);
  const file =
    explicit && !named && flags.config === undefined
      ? undefined
      : await findClusterFile(flags.config, process.env, process.cwd());
  if (file === undefined)
    return byFlags(named ? name : undefined, debian ?? parseDebianName(flags.pgdata ?? ''), flags, needs);
  const cluster = withFlags(await loadCluster(resolve(file)), flags);
  return needs === 'cluster' && name === undefined
    ? { cluster: noNodeFlags(cluster, flags) }
    : byName(cluster, name, flags);
}

function withFlags(cluster: Cluster, flags: TargetFlags): Cluster {
  const role = flags.replicationRole ?? cluster.replication.role;
  const password =
    flags.passwordFile === undefined ? cluster.replication.password : { file: resolve(flags.passwordFile) };
  const nodes = cluster.nodes.map((node) => ({ ...node, ...superuserOf(flags) }));
  return { ...cluster, nodes, replication: password === undefined ? { role } : { role, password } };
}

function noNodeFlags(cluster: Cluster, flags: TargetFlags): Cluster {
  const useless = (['pgdata', 'port', 'on', 'bindir', 'name'] as const).filter(
    (flag) => flags[flag] !== undefined,
  );
  if (useless.length === 0) return cluster;
  throw new PgreplError(
    'usage',
    useless.map((flag) => ({
      message: `--${flag} has no effect: the servers are those of ${cluster.file ?? 'the cluster file'}`,
    })),
  );
}

function byName(cluster: Cluster, name: string | undefined, flags: TargetFlags): NodeTarget {
  const [found] = eachOf(
    () => nodeOf(cluster, name),
    () => hostOf(flags.on ?? 'local'),
    () => noName(cluster, flags),
  );
  const node = changed(found, flags);
  return {
    cluster: { ...cluster, nodes: cluster.nodes.map((other) => (other === found ? node : other)) },
    node,
  };
}

function nodeOf(cluster: Cluster, name: string | undefined): Node {
  const found = cluster.nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  const names = cluster.nodes.map((node) => node.name);
  const near = similar(name ?? '', names);
  const said =
    name === undefined
      ? "which node is meant: a node's name is missing"
      : `there is no node ${name} in ${cluster.file ?? 'the cluster file'}`;
  throw failure(
    'usage',
    said,
    near === undefined ? `Its nodes are ${names.join(', ')}.` : `Did you mean ${near}?`,
  );
}

function noName(cluster: Cluster, { name }: TargetFlags): void {
  if (name !== undefined)
    throw failure(
      'usage',
      `--name has no effect: a node has its name from ${cluster.file ?? 'the cluster file'}`,
    );
}

/** Flags beat the file. */
function changed(node: Node, flags: TargetFlags): Node {
  const { pgdata, debian, ...rest } = node;
  const named = parseDebianName(flags.pgdata ?? '');
  const place =
    flags.pgdata === undefined
      ? debian === undefined
        ? { ...(pgdata === undefined ? {} : { pgdata }) }
        : { debian }
      : named === undefined
        ? { pgdata: absolute(flags.pgdata, flags.on === undefined ? node.host : hostOf(flags.on)) }
        : { debian: named };
  return {
    ...rest,
    ...place,
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.bindir === undefined ? {} : { bindir: flags.bindir }),
    ...(flags.on === undefined ? {} : { host: hostOf(flags.on) }),
  };
}
