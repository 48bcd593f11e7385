import type { Cluster, Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { attachmentOf, guestsOf, upstreamOf } from '../facts/upstream.ts';
import { blockRules, parseHba, withBlock } from '../render/hba.ts';
import { stop } from '../tools/service.ts';
import { sqlLiteral } from '../tools/words.ts';
import type { Plan, Step } from './plan.ts';
import { reloadSteps } from './reload.ts';
import { ask, isSeen, isUp, service, socketOf, sql, write, type Seen, type Up } from './steps.ts';

export type RemoveRequest = {
  node: Node;
  role: string;
  /** The addresses that the node connects from and no other node does. */
  addresses: readonly string[];
};

/** A walsender notices the end of its standby when the connection closes; a cut cable takes wal_sender_timeout. */
const LET_GO_SECONDS = 90;

/**
 * Stops a standby for good, and removes what the others keep for it: its slots and its rules in our block of
 * pg_hba.conf. Its data stay. If its host cannot be looked at, only the other nodes are cleaned up.
 */
export function planRemoveStandby(cluster: Cluster, state: ClusterState, request: RemoveRequest): Plan {
  const { name } = request.node;
  const title = `remove the standby ${name}`;
  const found = state.nodes.find(({ node }) => node === name);
  const refusals = whyNot(cluster, state, name, found);
  if (refusals.length > 0) return { title, refusals, steps: [] };
  const others = state.nodes.filter((other): other is Up => other.node !== name && isUp(other));
  const steps = [
    ...stopSteps(found),
    ...others.flatMap((other) => [
      ...slotSteps(other, slotsOf(cluster, state, request.node, found)),
      ...hbaSteps(other, request),
    ]),
  ];
  return {
    title,
    refusals: [],
    steps,
    confirm: steps.length === 0 ? [] : questions(found, name),
    notes: notes(cluster, state, found, name),
  };
}

function whyNot(
  cluster: Cluster,
  state: ClusterState,
  name: string,
  found: NodeState | undefined,
): readonly Problem[] {
  if (found?.is === 'primary') {
    const hint = `pgrepl switchover NODE makes another one the primary; then ${name} is a standby.`;
    return [{ message: `${name}: is the primary, and no standby that could be removed`, hint }];
  }
  return [
    ...oldPrimary(state, name, found),
    ...followers(cluster, state, name, found),
    ...alive(cluster, state, name, found),
  ];
}

/** Without a primary in sight a stopped one may be the only copy of what was written last. */
function oldPrimary(state: ClusterState, name: string, found: NodeState | undefined): readonly Problem[] {
  if (found?.is !== 'stopped' || found.standby || state.nodes.some(({ is }) => is === 'primary')) return [];
  const message = `${name}: was the primary when it stopped, and no other node takes writes`;
  return [{ message, hint: 'pgrepl status shows what is there, and what to do.' }];
}

function followers(
  cluster: Cluster,
  state: ClusterState,
  name: string,
  found: NodeState | undefined,
): readonly Problem[] {
  const own = cluster.nodes
    .filter((other) => other.name !== name && streams(state, other.name))
    .filter((other) => upstreamOf(cluster, state, other.name) === name)
    .map((other) => other.name);
  const guests = found === undefined ? [] : guestsOf(cluster, found).map((each) => each.applicationName);
  const to = state.nodes.find(({ is }) => is === 'primary')?.node ?? 'NODE';
  return [
    ...own.map((other) => ({
      message: `${name}: ${other} streams from it`,
      hint: `Move it first: pgrepl follow ${other} --upstream ${to}`,
    })),
    ...guests.map((guest) => ({
      message: `${name}: ${guest}, which is no node of the cluster, receives WAL from it`,
      hint: 'Stop it first, or give it another upstream.',
    })),
  ];
}

function streams(state: ClusterState, name: string): boolean {
  return state.nodes.some(
    (found) => found.node === name && found.is === 'standby' && found.streaming?.status === 'streaming',
  );
}

function isSilent(found: NodeState | undefined): found is undefined | Exclude<NodeState, Seen> {
  return found === undefined || !isSeen(found) || found.is === 'mute';
}

/** Not to be looked at from here is not gone: its slot is in use, and it would come back without one. */
function alive(
  cluster: Cluster,
  state: ClusterState,
  name: string,
  found: NodeState | undefined,
): readonly Problem[] {
  if (!isSilent(found)) return [];
  const live = attachmentOf(cluster, state, name);
  if (live === undefined) return [];
  return [
    {
      message: `${name}: cannot be looked at from here, and ${live.upstream} streams to it: it runs`,
      hint: 'Stop its server on its host first, or mend the way to it.',
    },
  ];
}

function stopSteps(found: NodeState | undefined): readonly Step[] {
  if (found?.is !== 'standby') return [];
  return [service(found.node, 'stop the server', stop(found.machine, found.place))];
}

/** What the file calls its slot, and what it really uses; never the slot of another node. */
function slotsOf(
  cluster: Cluster,
  state: ClusterState,
  node: Node,
  found: NodeState | undefined,
): readonly string[] {
  const used = found?.is === 'standby' && found.slot !== '' ? [found.slot] : [];
  const seen = attachmentOf(cluster, state, node.name)?.walsender.slot;
  const others = new Set(cluster.nodes.filter(({ name }) => name !== node.name).map(({ slot }) => slot));
  return [...new Set([node.slot, ...used, ...(seen === undefined ? [] : [seen])])].filter(
    (slot) => !others.has(slot),
  );
}

function slotSteps(other: Up, names: readonly string[]): readonly Step[] {
  const there = other.server.slots.filter(({ name, type }) => type === 'physical' && names.includes(name));
  return there.flatMap(({ name }) => {
    const slot = sqlLiteral(name);
    const idle = `SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${slot} AND active);`;
    const drop = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${slot};`;
    return [
      ask(other.node, `nobody uses the slot ${name}`, socketOf(other), [idle], 't', LET_GO_SECONDS),
      sql(other.node, `drop the slot ${name}`, socketOf(other), [drop]),
    ];
  });
}

/** Only our own block is touched: what people wrote stays theirs. */
function hbaSteps(other: Seen & Up, { role, addresses }: RemoveRequest): readonly Step[] {
  const { hba } = other.place.files;
  if (hba === undefined) return [];
  const rules = blockRules(hba.text);
  const kept = rules.filter((rule) => !isFor(rule, role, addresses));
  if (kept.length === rules.length) return [];
  const text = withBlock(hba.text, kept);
  return [
    write(other.node, 'it is let in no longer', hba.path, [text], 'keep', { was: hba.text }),
    ...reloadSteps(other.node, socketOf(other)),
  ];
}

function isFor(rule: string, role: string, addresses: readonly string[]): boolean {
  const [record] = parseHba(rule).records;
  const [address, length] = (record?.address ?? '').split('/');
  const whole = length === undefined || length === (address?.includes(':') === true ? '128' : '32');
  return (
    whole && addresses.includes(address ?? '') && record?.users.every(({ text }) => text === role) === true
  );
}

function questions(found: NodeState | undefined, name: string): readonly string[] {
  switch (found?.is) {
    case 'standby':
      return [`stop the server of ${name}, and take its slots and rules from the others`];
    case undefined:
    case 'unreachable':
    case 'mute':
      return [`take the slots and rules of ${name} from the others, though it cannot be looked at itself`];
    case 'stopped':
    case 'empty':
    case 'foreign':
    case 'primary':
      return [];
  }
}

function notes(
  cluster: Cluster,
  state: ClusterState,
  found: NodeState | undefined,
  name: string,
): readonly string[] {
  const unseen = state.nodes.filter((other) => other.node !== name && !isUp(other)).map(({ node }) => node);
  return [
    ...(isSilent(found)
      ? [`${name}: cannot be looked at: its server was not stopped, and its data were not looked for`]
      : dataNotes(found, name)),
    ...unseen.map((other) => `${other}: does not answer; a slot or a rule for ${name} may be left there`),
    ...(cluster.file === undefined ? [] : [`${name}: take it out of ${cluster.file}`]),
  ];
}

function dataNotes(found: Seen, name: string): readonly string[] {
  const { place } = found;
  if (found.is === 'empty' || found.is === 'foreign') return [];
  return [
    `${name}: its data stay in ${place.pgdata}; remove them when nobody needs them`,
    ...startsAgain(found, name),
  ];
}

function startsAgain(found: Seen, name: string): readonly string[] {
  const { service: owner } = found.place;
  switch (owner.by) {
    case 'systemd':
      return [`${name}: it starts again with its host, until: systemctl disable ${owner.unit}`];
    case 'pg_ctlcluster':
      return [
        `${name}: it starts again with its host, unless start.conf in /etc/postgresql/${owner.name.major}/${owner.name.cluster} says manual`,
      ];
    case 'pg_ctl':
      return [];
  }
}
