import type { Cluster, Node } from '../../cluster/types.ts';
import type { ServerVersion } from '../../cluster/version.ts';
import type { Problem } from '../../errors.ts';
import { ruleFor } from '../../render/hba.ts';
import type { Secret } from '../../tools/words.ts';
import type { Demands } from '../demands.ts';
import type { Plan } from '../plan.ts';
import type { Seen } from '../steps.ts';
import { replicationWants, type Want } from '../wants.ts';

export type InitRequest = {
  node: Node;
  role: string;
  /** Addresses that standbys come from: numbers, networks, or names where nothing better is known. */
  allow: readonly string[];
  /** The password as the server may know it, and whether what the server has fits it already. */
  password?: { verifier: Secret; fits: (verifier: string) => boolean };
  restart: boolean;
  waldir?: string;
  demands?: Demands;
};

/** Databases a standby's role is let into: for the stream, and for what pg_rewind and a copy ask (libpq_source.c). */
const DATABASES = ['replication', 'postgres'] as const;

export function rulesFor(role: string, allow: readonly string[]): readonly string[] {
  return allow.flatMap((address) => DATABASES.map((database) => ruleFor(role, address, database)));
}

/** What replication needs of this server. */
export function wantsFor(
  cluster: Cluster,
  found: Seen,
  request: InitRequest,
  version: ServerVersion,
  checksums: boolean,
): readonly Want[] {
  return replicationWants({
    version,
    standbys: Math.max(1, cluster.nodes.length - 1, request.allow.length),
    checksums,
    freeBytes: found.place.freeBytes,
    listen: request.allow.length > 0 ? request.allow : ['0.0.0.0'],
  });
}

/** The slots of the standbys that are to stream from it. */
export function slotNames(cluster: Cluster, node: Node): readonly string[] {
  return cluster.nodes.filter((other) => other.upstream === node.name).map((other) => other.slot);
}

export function passwordMissing(found: Seen, request: InitRequest, exists: boolean): readonly Problem[] {
  if (request.password !== undefined || exists) return [];
  return [
    {
      message: `${found.node}: no password is given for the role ${request.role}, and it has none yet`,
      hint: 'Write one into a file that only you can read and name it with --password-file, or in the cluster file as replication.password.',
    },
  ];
}

export function refused(title: string, refusals: readonly Problem[], unreachable = false): Plan {
  return { title, refusals, unreachable, steps: [] };
}
