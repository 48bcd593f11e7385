import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { hostnameOf, parseHost } from './host.ts';
import { findClusterFile, loadCluster } from './load.ts';
import { parseDebianName } from './name.ts';
import { pathFault } from './path.ts';
import { similar } from './similar.ts';
import { slotName } from './slot.ts';
import type { Cluster, Host, Node } from './types.ts';
import { PgreplError, type Problem } from '../errors.ts';

/** The flags that name a server; every verb takes them. */
export type TargetFlags = {
  config?: string;
  pgdata?: string;
  port?: number;
  on?: string;
  bindir?: string;
  name?: string;
  superuser?: string;
  replicationRole?: string;
  passwordFile?: string;
};

/** What a verb works on. `node` is the one it was given, where it takes one. */
export type Target = { cluster: Cluster; node?: Node };

/**
 * The cluster and the node that a command line means: a cluster file and a node's name, or flags for a server on
 * this or another host. Throws `usage` with every mistake.
 */
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

/** Roles are the same on every server of a cluster. */
function superuserOf({ superuser }: TargetFlags): { superuser?: string } {
  if (superuser === undefined) return {};
  if (superuser.trim() === '' || /\p{Cc}/u.test(superuser))
    throw new PgreplError('usage', [{ message: '--superuser: must be one line and not empty' }]);
  return { superuser };
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

function byName(cluster: Cluster, name: string | undefined, flags: TargetFlags): Target {
  const found = cluster.nodes.find((node) => node.name === name);
  if (found === undefined) {
    const names = cluster.nodes.map((node) => node.name);
    const near = similar(name ?? '', names);
    const said =
      name === undefined
        ? 'which node is meant'
        : `there is no node ${name} in ${cluster.file ?? 'the cluster file'}`;
    const hint = near === undefined ? `Its nodes are ${names.join(', ')}.` : `Did you mean ${near}?`;
    throw new PgreplError('usage', [
      { message: name === undefined ? `${said}: a node's name is missing` : said, hint },
    ]);
  }
  if (flags.name !== undefined)
    throw new PgreplError('usage', [
      {
        message: `--name has no effect: ${found.name} has its name from ${cluster.file ?? 'the cluster file'}`,
      },
    ]);
  const node = changed(found, flags);
  return {
    cluster: { ...cluster, nodes: cluster.nodes.map((other) => (other === found ? node : other)) },
    node,
  };
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

function hostOf(text: string): Host {
  const host = parseHost(text);
  if ('error' in host)
    throw new PgreplError('usage', [
      {
        message: `--on ${text}: ${host.error}`,
        hint: 'It is local, ssh://[user@]host[:port] or docker://container.',
      },
    ]);
  return host;
}

function byFlags(
  name: string | undefined,
  debian: Node['debian'],
  flags: TargetFlags,
  needs: 'node' | 'cluster',
): Target {
  const problems: Problem[] = [];
  if (name !== undefined) {
    problems.push({
      message: `${name}: a node's name needs a cluster file, and there is none`,
      hint: 'Name the file with --config FILE or PGREPL_CONFIG, or the server itself with --pgdata DIR.',
    });
  } else if (flags.pgdata === undefined && debian === undefined) {
    problems.push({
      message: needs === 'node' ? 'no server is named' : 'no cluster is named',
      hint: 'Name a cluster file with --config FILE (or have a pgrepl.yaml here), or one server with --pgdata DIR.',
    });
  }
  if (problems.length > 0) throw new PgreplError('usage', problems);
  const host = hostOf(flags.on ?? 'local');
  const pgdata = debian === undefined ? absolute(flags.pgdata ?? '', host) : undefined;
  const node: Node = {
    ...namesOf(host, flags),
    host,
    ...(pgdata === undefined ? {} : { pgdata }),
    ...(debian === undefined ? {} : { debian }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.bindir === undefined ? {} : { bindir: flags.bindir }),
    ...superuserOf(flags),
  };
  const role = flags.replicationRole ?? 'replicator';
  const replication =
    flags.passwordFile === undefined ? { role } : { role, password: { file: resolve(flags.passwordFile) } };
  return { cluster: { name: node.name, replication, nodes: [node] }, node };
}

function absolute(path: string, host: Host): string {
  const whole = host.via === 'local' ? resolve(path) : path.replace(/(.)\/+$/, '$1');
  const fault = pathFault(whole);
  if (fault === undefined) return whole;
  throw new PgreplError('usage', [{ message: `--pgdata ${JSON.stringify(path)}: ${fault}` }]);
}

/** A server without a name in a file is called after its host, and its port where that is not the usual one. */
function namesOf(host: Host, flags: TargetFlags): { name: string; slot: string } {
  const base = {
    local: () => hostname().split('.')[0] ?? 'local',
    ssh: () => (host.via === 'ssh' ? hostnameOf(host.destination) : ''),
    docker: () => (host.via === 'docker' ? host.container : ''),
  }[host.via]();
  const port = flags.port === undefined || flags.port === 5432 ? '' : `_${flags.port}`;
  const name = flags.name ?? `${base.replace(/[^A-Za-z0-9_.-]/g, '_')}${port}`;
  return { name, slot: slotName(name) };
}
