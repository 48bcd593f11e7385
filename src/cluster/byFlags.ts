import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { absolute, hostOf, superuserOf, type TargetFlags } from './flags.ts';
import { hostnameOf } from './host.ts';
import { namesAtPort, slotName } from './slot.ts';
import type { Host, Node, NodeTarget } from './types.ts';
import { eachOf, failure } from '../errors.ts';

/** The one server that flags name, or a Debian name. Throws `usage` with every mistake. */
export function byFlags(
  name: string | undefined,
  debian: Node['debian'],
  flags: TargetFlags,
  needs: 'node' | 'cluster',
): NodeTarget {
  const [host] = eachOf(
    () => hostOf(flags.on ?? 'local'),
    () => isNamed(name, debian, flags, needs),
  );
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

function isNamed(
  name: string | undefined,
  debian: Node['debian'],
  flags: TargetFlags,
  needs: 'node' | 'cluster',
): void {
  if (name !== undefined)
    throw failure(
      'usage',
      `${name}: a node's name needs a cluster file, and there is none`,
      'Name the file with --config FILE or PGREPL_CONFIG, or the server itself with --pgdata DIR.',
    );
  if (flags.pgdata === undefined && debian === undefined)
    throw failure(
      'usage',
      needs === 'node' ? 'no server is named' : 'no cluster is named',
      'Name a cluster file with --config FILE (or have a pgrepl.yaml here), or one server with --pgdata DIR.',
    );
}

/** A server that no file names is called after its host, whatever its port: each command line knows of one. */
function namesOf(host: Host, { name: given, port }: TargetFlags): Pick<Node, 'name' | 'seenAs' | 'slot'> {
  const base = {
    local: () => hostname().split('.')[0] ?? 'local',
    ssh: () => (host.via === 'ssh' ? hostnameOf(host.destination) : ''),
    docker: () => (host.via === 'docker' ? host.container : ''),
  }[host.via]();
  const name = given ?? base.replace(/[^A-Za-z0-9_.-]/g, '_');
  return given === undefined ? { name, ...namesAtPort(name, port) } : { name, slot: slotName(name) };
}
