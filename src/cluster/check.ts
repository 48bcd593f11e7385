import type { Complaint } from './complaint.ts';
import { hostnameOf, hostText } from './host.ts';
import { isNodeName } from './name.ts';
import { tidyPath } from './path.ts';
import { similar } from './similar.ts';
import type { Cluster, Host, Node } from './types.ts';

const DEFAULT_PORT = 5432;

/** What must hold between the settings. `names` holds every node of the file, also those that could not be read. */
export function checkCluster(cluster: Cluster, names: readonly string[]): Complaint[] {
  const { nodes } = cluster;
  return [
    ...namesWrong(names),
    ...dataMissing(nodes),
    ...upstreamUnknown(nodes, names),
    ...rings(nodes),
    ...rootsWrong(nodes),
    ...twice(nodes, 'slot', (node) => node.slot, 'uses the slot of'),
    ...twice(nodes, 'pgdata', dataKey, 'has the data directory of'),
    ...twice(nodes, 'port', addressKey, 'has the address and port of'),
    ...loopbacks(nodes),
  ];
}

function namesWrong(names: readonly string[]): Complaint[] {
  if (names.length === 0) return [{ place: ['nodes'], message: 'nodes holds no node' }];
  const hint =
    'A name begins with a letter, digit or _, and goes on with these, dots and hyphens, up to 63 in all.';
  return names
    .filter((name) => !isNodeName(name))
    .map((name) => ({
      place: ['nodes', name],
      message: `${JSON.stringify(name)} is not a name for a node`,
      hint,
    }));
}

function dataMissing(nodes: readonly Node[]): Complaint[] {
  return nodes.flatMap((node) => {
    const place = ['nodes', node.name, 'pgdata'];
    if (node.pgdata !== undefined && node.debian !== undefined)
      return [
        {
          place,
          message: `${node.name}: pgdata and debian both say where the data is`,
          hint: 'Keep one of them.',
        },
      ];
    if (node.pgdata !== undefined || node.debian !== undefined) return [];
    const hint = 'Write pgdata: DIRECTORY, or on Debian pgdata: 17/main.';
    return [{ place, message: `${node.name}: pgdata is missing`, hint }];
  });
}

function upstreamUnknown(nodes: readonly Node[], names: readonly string[]): Complaint[] {
  return nodes.flatMap(({ name, upstream }) => {
    if (upstream === undefined || names.includes(upstream)) return [];
    const meant = similar(upstream, names);
    const hint = meant === undefined ? `The nodes are ${names.join(', ')}.` : `Did you mean ${meant}?`;
    const message = `${name}: upstream ${JSON.stringify(upstream)} is not a node of this file`;
    return [{ place: ['nodes', name, 'upstream'], message, hint }];
  });
}

/** Each ring of upstreams once, at the first of its nodes. */
function rings(nodes: readonly Node[]): Complaint[] {
  const upstreams = new Map(nodes.map((node) => [node.name, node.upstream]));
  const seen = new Set<string>();
  return nodes.flatMap(({ name }) => {
    const walked: string[] = [];
    let at: string | undefined = name;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      walked.push(at);
      at = upstreams.get(at);
    }
    const from = at === undefined ? -1 : walked.indexOf(at);
    if (from < 0) return [];
    const ring = [...walked.slice(from), walked[from]].join(' -> ');
    const hint = 'Leave out the upstream of the node that is to be the primary.';
    return [
      {
        place: ['nodes', String(walked[from]), 'upstream'],
        message: `${walked[from]}: upstreams go in a ring: ${ring}`,
        hint,
      },
    ];
  });
}

function rootsWrong(nodes: readonly Node[]): Complaint[] {
  const roots = nodes.filter((node) => node.upstream === undefined).map((node) => node.name);
  if (roots.length === 1 || nodes.length === 0) return [];
  const place = ['nodes'];
  if (roots.length > 1) {
    const hint = 'Give every standby its upstream, and the primary none.';
    return [
      { place, message: `nodes ${roots.join(', ')} have no upstream, and only the primary has none`, hint },
    ];
  }
  return [{ place, message: 'no node is the primary: every one has an upstream' }];
}

/** Slots too: after a promotion any two nodes may stream from the same server. */
function twice(
  nodes: readonly Node[],
  setting: string,
  keyOf: (node: Node) => string | undefined,
  does: string,
): Complaint[] {
  const first = new Map<string, string>();
  return nodes.flatMap((node) => {
    const key = keyOf(node);
    const other = key === undefined ? undefined : first.get(key);
    if (key !== undefined && other === undefined) first.set(key, node.name);
    if (other === undefined) return [];
    return [
      {
        place: ['nodes', node.name, setting],
        message: `${node.name}: ${does} ${other}`,
        hint: `Give one of them another ${setting}.`,
      },
    ];
  });
}

function dataKey(node: Node): string | undefined {
  const data = node.pgdata === undefined ? debianText(node) : tidyPath(node.pgdata);
  return data === undefined ? undefined : `${machineOf(node.host)} ${data}`;
}

function debianText({ debian }: Node): string | undefined {
  return debian === undefined ? undefined : `${debian.major}/${debian.cluster}`;
}

/** Debian's clusters know their own ports. */
function addressKey({ address, port, debian }: Node): string | undefined {
  if (address === undefined || (port === undefined && debian !== undefined)) return undefined;
  return `${address.toLowerCase()} ${port ?? DEFAULT_PORT}`;
}

/** An address that means another machine on each machine cannot be what standbys elsewhere connect to. */
function loopbacks(nodes: readonly Node[]): Complaint[] {
  const hosts = new Set(
    nodes.flatMap((node) => (node.host.via === 'docker' ? [] : [machineName(node.host)])),
  );
  if (hosts.size < 2) return [];
  return nodes
    .filter((node) => node.address !== undefined && isLoopback(node.address))
    .map((node) => ({
      place: ['nodes', node.name, 'address'],
      message: `${node.name}: address ${node.address} is each machine itself, and the nodes are on several`,
      hint: 'Write the address that the other hosts reach it by.',
    }));
}

function isLoopback(address: string): boolean {
  return /^(localhost|127\.[0-9.]+|::1|\[::1\]|0\.0\.0\.0|::)$/i.test(address);
}

/** The machine without the login, so that two logins on one are the same. */
function machineOf(host: Host): string {
  return host.via === 'ssh'
    ? hostText({ ...host, destination: hostnameOf(host.destination) })
    : hostText(host);
}

function machineName(host: Host): string {
  const name = host.via === 'ssh' ? hostnameOf(host.destination).toLowerCase() : 'localhost';
  return isLoopback(name) ? 'localhost' : name;
}
