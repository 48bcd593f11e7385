import type { Action, Flags } from './action.ts';
import { isIP } from 'node:net';
import { addressesOf, addressOf } from '../cluster/addresses.ts';
import { refusedByLibpq } from '../ask/libpq.ts';
import { hasStalePassword } from '../ask/passfile.ts';
import { askEarlierPort } from '../ask/earlierPort.ts';
import { askSource, type Outside } from '../ask/source.ts';
import { parseEndpoint } from '../cluster/endpoint.ts';
import { pathFault } from '../cluster/path.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import { eachOf, failure, PgreplError, together } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { passwordOf } from '../cluster/password.ts';
import type { CloneRequest } from '../plan/clone/cloneRequest.ts';
import { asMadeBefore } from '../plan/clone/madeBefore.ts';
import { needsSource, planCloneStandby } from '../plan/clone/cloneStandby.ts';
import type { Demands } from '../plan/demands.ts';
import type { Link } from '../plan/link.ts';
import { isSeen } from '../plan/steps.ts';
import { nameAtUpstream } from '../render/names.ts';
import { nodeRows } from '../report/rows.ts';
import type { Ask } from '../run/asking.ts';
import { findTarget } from '../cluster/target.ts';
import { list, modeOf, number, perform, targetFlags, text } from './modes.ts';

export const cloneStandby: Action = async ([name], flags) => {
  const target = findTarget(name, targetFlags(flags), 'node');
  const [{ cluster, node }, from, secret, [asked, maxRate]] = await together(
    target,
    target.then((found) => upstreamOf(found.cluster, found.node, text(flags, 'from'))),
    target.then((found) => passwordOf(found.cluster)),
    ownFlags(flags),
  );
  const outside = outsideOf(node, asked);
  const byHost = isByHost(cluster, flags);
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z/g, '');
  const allow = await addressesOf(cluster, node, isIP(from.host) === 0 ? [] : [from.host]);
  const plan = async (state: ClusterState, ask: Ask) => {
    const found = state.nodes.find((each) => each.node === node.name);
    const password = await secret();
    const own = byHost ? asMadeBefore(node, found) : node;
    const earlierPort = byHost ? await askEarlierPort(found, ask) : undefined;
    const link: Link = {
      host: from.host,
      port: from.port ?? portOf(state, from.name),
      role: cluster.replication.role,
      applicationName: nameAtUpstream(own),
      slot: text(flags, 'slot') ?? own.slot,
      ...(password === undefined ? {} : { password }),
    };
    const stalePassword = await hasStalePassword(found, link, ask);
    const request: CloneRequest = {
      node: own,
      upstream: from.name,
      link,
      source: await sourceFor(ask, state, own, from.name, link, outside, stalePassword),
      stalePassword,
      replace: flags['replace'] === true,
      ...outside,
      demands: asked,
      stamp,
      allow,
      seconds: modeOf(flags).timeout ?? 300,
      ...(maxRate === undefined ? {} : { maxRate }),
      ...(earlierPort === undefined ? {} : { earlierPort }),
    };
    return refusedByLibpq(planCloneStandby(state, request), state, ask, node.name);
  };
  const rows = (state: ClusterState) => nodeRows(cluster, state).filter((row) => row.name === node.name);
  return perform(
    { command: 'clone-standby', cluster, nodes: [node], sizes: true, plan, rows },
    flags,
    secret,
  );
};

/** Whether it has its names from its host, and would have others if --port were there. */
function isByHost(cluster: Cluster, flags: Flags): boolean {
  return (
    cluster.file === undefined &&
    (['name', 'port', 'slot'] as const).every((flag) => flags[flag] === undefined)
  );
}

async function sourceFor(
  ask: Ask,
  state: ClusterState,
  node: Node,
  name: string,
  link: Link,
  outside: Outside,
  stale: boolean,
): Promise<CloneRequest['source']> {
  const found = state.nodes.find((each) => each.node === node.name);
  if (found === undefined || !isSeen(found) || found.is === 'foreign' || !(stale || needsSource(found, link)))
    return 'not asked';
  return askSource(name, node, found, link, state, ask, outside);
}

type From = { name: string; host: string; port?: number };

/** A node of the file by its name, or any server as HOST[:PORT]; the file's upstream where nothing is said. */
function upstreamOf(cluster: Cluster, node: Node, from: string | undefined): From {
  const name = from ?? node.upstream;
  if (name === undefined) {
    const hint =
      cluster.file === undefined
        ? 'Name the primary with --from HOST[:PORT].'
        : `Give ${node.name} an upstream in ${cluster.file}, or name one with --from.`;
    throw failure('usage', `${node.name}: what is it to be a standby of?`, hint);
  }
  if (name === node.name) throw failure('usage', `--from ${name}: a server cannot be a standby of itself`);
  const known = cluster.nodes.find((other) => other.name === name);
  if (known !== undefined)
    return { name, host: addressOf(known), ...(known.port === undefined ? {} : { port: known.port }) };
  const endpoint = parseEndpoint(name);
  if (endpoint === undefined) {
    throw failure(
      'usage',
      `--from ${name}: is neither a node of the file nor HOST[:PORT]`,
      'For example pg1, 10.0.0.11, 10.0.0.11:5433 or [fd00::11]:5432.',
    );
  }
  return { name: `${endpoint.host}:${endpoint.port}`, ...endpoint };
}

/** The port that a node's running server has, where the file does not say it. */
function portOf(state: ClusterState, name: string): number {
  const found = state.nodes.find(({ node }) => node === name);
  return found !== undefined && 'server' in found ? found.server.port : 5432;
}

/** Absolute paths, `=` in them escaped as pg_basebackup has it. */
const MAPPING = /^(\/(?:[^=\\]|\\.)*)=(\/[^]*)$/;

/** What no cluster file is needed for. */
async function ownFlags(flags: Flags): Promise<[Asked, string | undefined]> {
  return eachOf(
    () => demandsOf(flags),
    () => rateOf(text(flags, 'maxRate')),
  );
}

type Asked = Demands & Pick<Outside, 'tablespaces'>;

/** What the flags alone say, without the cluster file: of a standby that is there it must hold. */
function demandsOf(flags: Flags): Asked {
  const waldir = text(flags, 'waldir');
  const port = number(flags, 'port');
  const pairs = list(flags, 'tablespaceMapping').map((pair) => ({ pair, paths: pathsOf(pair) }));
  const problems = [
    ...pairs
      .filter(({ paths }) => paths === undefined)
      .map(({ pair }) => `--tablespace-mapping ${pair}: is not OLD=NEW with two absolute paths`),
    ...pairs.flatMap(({ paths }) => faultOf('--tablespace-mapping', paths?.[1])),
    ...faultOf('--waldir', waldir),
  ];
  if (problems.length > 0)
    throw new PgreplError(
      'usage',
      problems.map((message) => ({ message })),
    );
  return {
    tablespaces: Object.fromEntries(pairs.flatMap(({ paths }) => (paths === undefined ? [] : [paths]))),
    ...(waldir === undefined ? {} : { waldir }),
    ...(port === undefined ? {} : { port }),
  };
}

function pathsOf(pair: string): readonly [string, string] | undefined {
  const [, old, fresh] = MAPPING.exec(pair)?.map((path) => path.replace(/\\=/g, '=')) ?? [];
  return old === undefined || fresh === undefined ? undefined : [old, fresh];
}

/** kB, or with a suffix k or M, from 32 kB to 1 GB (parse_max_rate in pg_basebackup.c). */
function rateOf(rate: string | undefined): string | undefined {
  if (rate === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(rate);
  const kilobytes = Number(match?.[1] ?? 0) * (match?.[2] === 'M' ? 1024 : 1);
  if (kilobytes >= 32 && kilobytes <= 1024 * 1024) return rate;
  throw failure(
    'usage',
    `--max-rate ${rate}: is no rate from 32k to 1024M`,
    'It is a number of kB a second, or of MB with an M behind it: 50M.',
  );
}

function outsideOf(node: Node, asked: Asked): Outside {
  const waldir = asked.waldir ?? node.waldir;
  return {
    tablespaces: { ...node.tablespaces, ...asked.tablespaces },
    ...(waldir === undefined ? {} : { waldir }),
  };
}

function faultOf(flag: string, path: string | undefined): readonly string[] {
  const fault = path === undefined ? undefined : pathFault(path);
  return fault === undefined ? [] : [`${flag}: ${fault}`];
}
