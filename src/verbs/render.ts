import { hostname } from 'node:os';
import { addressesOf, addressOf } from '../cluster/addresses.ts';
import { findClusterFile } from '../cluster/load.ts';
import { similar } from '../cluster/similar.ts';
import { slotName } from '../cluster/slot.ts';
import type { Cluster, Node, NodeTarget } from '../cluster/types.ts';
import { has, ofMajor, RECOVERY_IN_SETTINGS, type ServerVersion } from '../cluster/version.ts';
import { failure, PgreplError, together } from '../errors.ts';
import { rootOf } from '../facts/view.ts';
import { conninfoOf, type Link } from '../plan/link.ts';
import { rulesFor } from '../plan/initPrimary/initRequest.ts';
import { replicationWants } from '../plan/wants.ts';
import type { Action, Flags } from './action.ts';
import { ownFile, quoteConf } from '../render/conf.ts';
import { withBlock } from '../render/hba.ts';
import { nameAtUpstream } from '../render/names.ts';
import { document } from '../report/json.ts';
import { recoveryConf } from '../render/recovery.ts';
import { findTarget } from '../cluster/target.ts';
import { list, number, targetFlags, text } from './modes.ts';

type Asked = { cluster: Cluster; node: Node; version: ServerVersion; flags: Flags };

/** What each file is made of, and the flags that say so: others would have no effect. */
const FILES: Readonly<
  Record<string, { text: (asked: Asked) => string | Promise<string>; reads: readonly string[] }>
> = {
  'postgresql.conf': { text: postgresqlConf, reads: ['pgVersion', 'allow', 'port'] },
  'pg_hba.conf': { text: pgHba, reads: ['allow', 'replicationRole'] },
  primary_conninfo: {
    text: primaryConninfo,
    reads: ['upstream', 'slot', 'replicationRole', 'pgdata', 'name'],
  },
  'recovery.conf': {
    text: recovery,
    reads: ['pgVersion', 'upstream', 'slot', 'replicationRole', 'pgdata', 'name'],
  },
};

const OWN_FLAGS = [
  ...['pgVersion', 'allow', 'upstream', 'slot', 'replicationRole', 'port', 'name'],
  ...['on', 'bindir', 'superuser', 'timeout'],
];

/** Free disk that sizes are made from where no host is looked at. */
const ASSUMED_FREE = 30 * 1024 ** 3;
const ASSUMED = 'note: sizes are for 30 GB of free disk; init-primary looks at the host and takes its own\n';

export const render: Action = async ([file = '', name], flags) => {
  const made = FILES[file];
  if (made === undefined) {
    const names = Object.keys(FILES);
    const near = similar(file, names);
    throw failure(
      'usage',
      `${file}: is none of ${names.join(', ')}`,
      ...(near === undefined ? [] : [`Did you mean ${near}?`]),
    );
  }
  const [rendered] = await together(rendering(made.text, file, name, flags), useful(file, made.reads, flags));
  return async () => {
    if (file === 'postgresql.conf') process.stderr.write(ASSUMED);
    process.stdout.write(flags['json'] === true ? asJson(file, rendered) : rendered);
  };
};

async function rendering(
  text: (asked: Asked) => string | Promise<string>,
  file: string,
  name: string | undefined,
  flags: Flags,
): Promise<string> {
  const { cluster, node } = await targetOf(file, name, flags);
  const version = ofMajor(number(flags, 'pgVersion') ?? node.debian?.major ?? 17);
  return text({ cluster, node, version, flags });
}

async function useful(file: string, reads: readonly string[], flags: Flags): Promise<void> {
  const useless = OWN_FLAGS.filter((flag) => flags[flag] !== undefined && !reads.includes(flag));
  if (useless.length > 0)
    throw new PgreplError(
      'usage',
      useless.map((flag) => ({ message: `${optionOf(flag)} has no effect on ${file}` })),
    );
}

function asJson(file: string, rendered: string): string {
  const extra = { file, text: rendered };
  return `${JSON.stringify(document({ command: 'render', outcome: 'done', changed: false, ms: performance.now(), extra }))}\n`;
}

function optionOf(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A node of the file, one server by flags, or nothing but flags: nothing is looked at. */
async function targetOf(file: string, name: string | undefined, flags: Flags): Promise<NodeTarget> {
  const target = targetFlags(flags);
  if (name !== undefined || target.pgdata !== undefined) return findTarget(name, target, 'node');
  const there = await findClusterFile(target.config, process.env, process.cwd());
  if (there !== undefined) {
    const { port: _port, ...rest } = target;
    const { cluster } = await findTarget(undefined, rest, 'cluster');
    const node = file === 'postgresql.conf' || file === 'pg_hba.conf' ? rootOf(cluster) : undefined;
    if (node !== undefined) return { cluster, node };
    throw failure(
      'usage',
      `${file} is a node's own: which one is meant?`,
      `The nodes are ${cluster.nodes.map((each) => each.name).join(', ')}.`,
    );
  }
  const own = target.name ?? hostname().split('.')[0] ?? 'standby';
  const port = target.port === undefined ? {} : { port: target.port };
  const node: Node = { name: own, host: { via: 'local' }, slot: slotName(own), ...port };
  return {
    cluster: { name: own, replication: { role: target.replicationRole ?? 'replicator' }, nodes: [node] },
    node,
  };
}

async function allowed({ cluster, node, flags }: Asked): Promise<readonly string[]> {
  return addressesOf(cluster, node, list(flags, 'allow'));
}

async function postgresqlConf(asked: Asked): Promise<string> {
  const { cluster, node, version } = asked;
  const listen = await allowed(asked);
  const wants = replicationWants({
    version,
    standbys: Math.max(1, cluster.nodes.length - 1, listen.length),
    checksums: true,
    freeBytes: ASSUMED_FREE,
    listen,
  });
  const port: Readonly<Record<string, string>> = node.port === undefined ? {} : { port: String(node.port) };
  return ownFile({ ...Object.fromEntries(wants.map(({ name, value }) => [name, value])), ...port });
}

async function pgHba(asked: Asked): Promise<string> {
  const allow = await allowed(asked);
  if (allow.length === 0)
    throw failure(
      'usage',
      'pg_hba.conf: no address is to be let in',
      'Name each with --allow, or a cluster file with --config.',
    );
  return withBlock('', rulesFor(asked.cluster.replication.role, allow));
}

function primaryConninfo(asked: Asked): string {
  const { link, conninfo } = linkOf(asked);
  return `primary_conninfo = ${quoteConf(conninfo)}\nprimary_slot_name = ${quoteConf(link.slot)}\n`;
}

function recovery(asked: Asked): string {
  if (has(asked.version, RECOVERY_IN_SETTINGS))
    throw failure(
      'usage',
      'recovery.conf: servers of 12 and later do not start with such a file: an empty standby.signal and settings are in its place',
      'pgrepl render primary_conninfo prints the settings; --pg-version 11 asks for the old file.',
    );
  const { link, conninfo } = linkOf(asked);
  return recoveryConf({ primary_conninfo: conninfo, primary_slot_name: link.slot });
}

/** The password stands in a file of the data directory, where one is known: the same that clone-standby writes. */
function linkOf({ cluster, node, flags }: Asked): { link: Link; conninfo: string } {
  const link: Link = {
    ...upstreamOf(cluster, node, text(flags, 'upstream')),
    role: cluster.replication.role,
    applicationName: nameAtUpstream(node),
    slot: text(flags, 'slot') ?? node.slot,
  };
  const data =
    node.pgdata ?? (node.debian && `/var/lib/postgresql/${node.debian.major}/${node.debian.cluster}`);
  const hasPassfile =
    data !== undefined && (cluster.file === undefined || cluster.replication.password !== undefined);
  return { link, conninfo: conninfoOf(link, data ?? '', '', hasPassfile) };
}

function upstreamOf(cluster: Cluster, node: Node, flag: string | undefined): { host: string; port: number } {
  const name = flag ?? node.upstream;
  if (name === undefined)
    throw failure(
      'usage',
      `${node.name}: what does it stream from?`,
      'Name it with --upstream HOST[:PORT], or a node of the cluster file.',
    );
  const known = cluster.nodes.find((other) => other.name === name && other !== node);
  if (known !== undefined) return { host: addressOf(known), port: known.port ?? 5432 };
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(name);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 5432);
  if (host === undefined || port < 1 || port > 65535)
    throw failure('usage', `--upstream ${name}: is neither a node of the file nor HOST[:PORT]`);
  return { host, port };
}
