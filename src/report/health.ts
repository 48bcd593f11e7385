import type { Cluster, Node } from '../cluster/types.ts';
import type { ClusterState, NodeState } from '../facts/state.ts';
import { quoteWord } from '../tools/words.ts';
import type { Finding } from './finding.ts';
import { wayToPrimary } from './candidate.ts';
import { broken, COMMAND, warning } from './finding.ts';
import { serverFindings } from './healthOfServer.ts';
import { slotFindings } from './healthOfSlots.ts';
import { standbyFindings } from './healthOfStandby.ts';
import { serviceCommand } from './serviceCommand.ts';
import { mayWrite, progressOf } from '../facts/mute.ts';
import { lostAt } from '../facts/slots.ts';
import { attachmentOf, upstreamOf } from '../facts/upstream.ts';
import type { PrimaryState, View } from '../facts/view.ts';
import { primariesOf, rootOf, stateOf, systemOf, viewOf } from '../facts/view.ts';

const SEVERITY = { 'split-brain': 0, broken: 1, warning: 2 } as const;

/** Everything that is wrong with a cluster, the worst first; nothing, if it is healthy. */
export function assess(cluster: Cluster, state: ClusterState): Finding[] {
  const view = viewOf(cluster, state);
  const findings = [
    ...splitBrains(state),
    ...missingPrimary(view),
    ...cluster.nodes.flatMap((node) => nodeFindings(view, node)),
  ];
  const sorted = findings.toSorted((a, b) => SEVERITY[a.level] - SEVERITY[b.level]);
  return cluster.file === undefined ? sorted.map((found) => byFlags(cluster, found)) : sorted;
}

/** What is wrong with a node by itself, in the order in which it is looked for. */
export function findingsOf(cluster: Cluster, state: ClusterState, node: Node): Finding[] {
  const findings = nodeFindings(viewOf(cluster, state), node);
  return cluster.file === undefined ? findings.map((found) => byFlags(cluster, found)) : findings;
}

/** Without a file a command names its server by flags, so hints do. */
function byFlags(cluster: Cluster, found: Finding): Finding {
  const node = cluster.nodes.find(({ name }) => name === found.node);
  const data = node?.pgdata ?? (node?.debian && `${node.debian.major}/${node.debian.cluster}`);
  if (node === undefined || data === undefined || found.hint === undefined) return found;
  const command = /`pgrepl ((?:slot )?[a-z-]+) (\S+?)(?=[ `])/g;
  const hint = found.hint.replace(command, (all: string, verb: string, name: string) =>
    name === quoteWord(node.name) ? `\`pgrepl ${verb} -D ${quoteWord(data)}` : all,
  );
  return { ...found, hint };
}

/** Two servers of one system that both take writes: each has rows that the other will never get. */
function splitBrains(state: ClusterState): Finding[] {
  const primaries = primariesOf(state);
  const systems = [...new Set(primaries.map((found) => found.server.systemIdentifier))];
  return systems
    .map((system) => primaries.filter((found) => found.server.systemIdentifier === system))
    .filter((group) => group.length > 1)
    .map(splitBrain);
}

function splitBrain(primaries: readonly PrimaryState[]): Finding {
  const byAge = primaries.toSorted((a, b) => a.server.timeline - b.server.timeline);
  const shown = byAge.map((found) => `${found.node} (timeline ${found.server.timeline})`).join(' and ');
  const [oldest, newest] = [byAge[0], byAge.at(-1)];
  const sure = oldest?.server.timeline !== newest?.server.timeline;
  const stale = oldest?.node ?? '';
  return {
    node: stale,
    level: 'split-brain',
    message: `${stale}: split brain: ${shown} are one system, and ${primaries.length} of it take writes`,
    hint: sure
      ? `Keep clients away from ${stale}, which was not promoted last, stop it, then ${COMMAND.rejoin(stale)}.`
      : 'Find out which one has the rows to keep; stop the other, then `pgrepl rejoin` it.',
  };
}

function missingPrimary(view: View): Finding[] {
  const { cluster, state, primary } = view;
  if (primary !== undefined || isPartOfMore(cluster, state)) return [];
  const root = rootOf(cluster)?.name ?? cluster.nodes[0]?.name ?? cluster.name;
  if (state.nodes.every(({ is }) => is === 'unreachable'))
    return [broken(root, 'no node of the cluster can be looked at', 'What stands in the way is told below.')];
  const seen = state.nodes.some(mayWrite) ? 'is seen to take' : 'takes';
  return [broken(root, `no node of the cluster ${seen} writes`, wayToPrimary(view, root))];
}

/** One server named by flags, or standbys of a primary that the file does not name. */
function isPartOfMore(cluster: Cluster, state: ClusterState): boolean {
  if (cluster.file === undefined && cluster.nodes.length === 1) return true;
  return state.nodes.some(
    (found) =>
      found.is === 'standby' &&
      found.streaming?.status === 'streaming' &&
      upstreamOf(cluster, state, found.node) === undefined,
  );
}

function nodeFindings(view: View, node: Node): Finding[] {
  const found = stateOf(view.state, node.name);
  switch (found?.is) {
    case undefined:
      return [];
    case 'unreachable':
      return [unreachable(view, found)];
    case 'mute':
      return found.starting
        ? [warning(node.name, `is starting: ${progressOf(found)}`, 'Wait; it replays WAL before it answers.')]
        : [
            broken(
              node.name,
              `a server runs and does not answer: ${found.because}`,
              found.hint ?? COMMAND.doctor(node.name),
            ),
          ];
    case 'empty':
      return [broken(node.name, `has no data yet: ${found.place.pgdata}`, firstCommand(view, node))];
    case 'foreign':
      return [foreign(found)];
    case 'stopped':
      return [stopped(view, node, found), ...strangeSystem(view, found)];
    case 'primary':
      return [
        ...strangeSystem(view, found),
        ...serverFindings(view, node, found),
        ...slotFindings(view, found),
      ];
    case 'standby':
      return [
        ...strangeSystem(view, found),
        ...standbyFindings(view, node, found),
        ...serverFindings(view, node, found),
        ...slotFindings(view, found),
      ];
  }
}

/** Unreachable from here is not down: its upstream may well stream to it. */
function unreachable({ cluster, state }: View, found: Extract<NodeState, { is: 'unreachable' }>): Finding {
  const live = attachmentOf(cluster, state, found.node);
  const because = found.because.replace(`${found.node}: `, '');
  if (live === undefined) return broken(found.node, `unreachable: ${because}`, found.hint);
  return warning(
    found.node,
    `unreachable from here, yet ${live.upstream} streams to it: ${because}`,
    found.hint,
  );
}

function firstCommand({ primary }: View, node: Node): string {
  const isFirst = primary === undefined && node.upstream === undefined;
  return isFirst ? `Create it: ${COMMAND.init(node.name)}.` : `Copy it: ${COMMAND.clone(node.name)}.`;
}

function foreign(found: Extract<NodeState, { is: 'foreign' }>): Finding {
  const what = `${found.place.pgdata} is no data directory and not empty: ${found.found.slice(0, 5).join(', ')}`;
  return broken(found.node, what, 'Name another directory, or move what is there away.');
}

/** facts/probe.ts says so where a rewind of ours was begun and not ended. */
const REWINDING = 'pgrepl.rewinding';

function stopped(view: View, node: Node, found: Extract<NodeState, { is: 'stopped' }>): Finding {
  const { primary } = view;
  const crashed = found.control?.state.startsWith('shut down') === false;
  const what = `${crashed ? 'stopped without a shutdown' : 'stopped'}${found.standby ? '' : ', it was a primary'}`;
  if (found.place.signals.includes(REWINDING)) {
    return broken(
      found.node,
      'half rewound: its data are of two pasts, and it must not be started',
      `Go on with it: ${COMMAND.rejoin(found.node)}.`,
    );
  }
  if (found.standby) return broken(found.node, what, wayToStandby(view, node, found));
  if (primary === undefined)
    return broken(found.node, what, `Start it: ${serviceCommand(node, found, 'start')}.`);
  if (systemOf(primary) !== systemOf(found)) return broken(found.node, what);
  // Started as it is, it would take writes beside the one that took over.
  return broken(
    found.node,
    what,
    `${primary.node} took over; bring it back as a standby: ${COMMAND.rejoin(found.node)}.`,
  );
}

/** A start is not enough where its slot did not keep what it needs. */
function wayToStandby(view: View, node: Node, found: Extract<NodeState, { is: 'stopped' }>): string {
  return lostAt(view, node) === undefined
    ? `Start it: ${serviceCommand(node, found, 'start')}.`
    : `Bring it back: ${COMMAND.rejoinAnew(node.name)}.`;
}

function strangeSystem({ primary }: View, found: NodeState): Finding[] {
  const [here, there] = [systemOf(found), systemOf(primary)];
  if (primary === undefined || here === undefined || here === there) return [];
  const what = found.is === 'primary' ? 'is a primary of another system' : 'is a copy of another system';
  return [
    broken(
      found.node,
      `${what}: its identifier is ${here}, that of ${primary.node} is ${there}`,
      `If its data are not wanted, ${COMMAND.cloneAgain(found.node)}; they are moved aside and kept.`,
    ),
  ];
}
