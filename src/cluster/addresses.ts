import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { hostnameOf } from './host.ts';
import type { Cluster, Node } from './types.ts';
import { PgreplError, type Problem } from '../errors.ts';

/** What others reach a node by: its address, else the host of its ssh destination, else this machine. */
export function addressOf(node: Node): string {
  if (node.address !== undefined) return node.address;
  if (node.host.via === 'ssh') return hostnameOf(node.host.destination);
  return node.host.via === 'docker' ? node.host.container : '127.0.0.1';
}

/**
 * The addresses that replication comes from: those given, and every node's of the file, the node's own too, since
 * after a switchover it is a standby. Names become numbers where they can be looked up here: a name in
 * pg_hba.conf needs reverse DNS that many networks do not have.
 */
export async function addressesOf(
  cluster: Cluster,
  node: Node,
  given: readonly string[],
): Promise<readonly string[]> {
  const fromFile = cluster.file === undefined ? [] : cluster.nodes.map(addressOf);
  const all = await Promise.all([...fromFile, ...given].map((address) => numbers(address, node)));
  return [...new Set(all.flat())];
}

/** Throws `usage` with every word that pg_hba.conf could not take for an address. */
export async function allowed(given: readonly string[]): Promise<readonly string[]> {
  const problems: Problem[] = given
    .filter((address) => !isAddress(address))
    .map((address) => ({
      message: `--allow ${address}: is no address, no network and no host name`,
      hint: 'For example 10.0.0.12, 10.0.0.0/24 or fd00::12.',
    }));
  if (problems.length > 0) throw new PgreplError('usage', problems);
  return given;
}

function isAddress(text: string): boolean {
  const [address = '', length, more] = text.split('/');
  if (more !== undefined) return false;
  const family = isIP(address);
  if (length !== undefined)
    return family !== 0 && /^\d+$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  return family !== 0 || /^\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(address);
}

async function numbers(address: string, node: Node): Promise<readonly string[]> {
  if (address.includes('/') || isIP(address) !== 0 || address.startsWith('.')) return [address];
  // Names of a docker network mean nothing here: the server looks them up itself.
  if (node.host.via === 'docker') return [address];
  return lookup(address, { all: true }).then(
    (found) => found.map((each) => each.address),
    () => [address],
  );
}
