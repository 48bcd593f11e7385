import { readPassword } from './cluster/password.ts';
import type { Cluster } from './cluster/types.ts';
import type { Secret } from './tools/words.ts';

/** The password of the cluster's replication role, if one is named. Throws `usage` where it cannot be read. */
export async function passwordOf(cluster: Cluster): Promise<Secret | undefined> {
  const { password, role } = cluster.replication;
  return password === undefined ? undefined : readPassword(password, `the password of ${role}`);
}
