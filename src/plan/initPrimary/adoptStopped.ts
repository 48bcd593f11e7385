import type { Cluster, Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { start } from '../../tools/service.ts';
import { changedSettings, fileSteps, hbaProblems, wantNotes } from '../configFiles.ts';
import { unmetDemands } from '../demands.ts';
import { effective } from '../effective.ts';
import { refused, rulesFor, slotNames, wantsFor, type InitRequest } from './initRequest.ts';
import { overriding, overridingFiles, readAfterOurs } from './overrides.ts';
import type { Plan, Step } from '../plan.ts';
import { roleSteps } from './roleSteps.ts';
import { ask, futureSocket, service } from '../steps.ts';
import { desiredOwn } from '../wants.ts';

type Stopped = Extract<NodeState, { is: 'stopped' }>;

/** A server that is there and does not run: its files are made right, it is started, and then asked for the rest. */
export function planStopped(
  cluster: Cluster,
  state: ClusterState,
  found: Stopped,
  request: InitRequest,
  title: string,
): Plan {
  const wants = wantsFor(cluster, found, request, found.version, found.control?.checksums ?? false);
  const desired = desiredOwn(found, wants, fixedFor(found, request.node));
  const refusals = [
    ...asStandby(found),
    ...unmetDemands(found, request.demands),
    ...recovering(found),
    ...rewinding(found),
    ...confProblems(found),
    ...hbaProblems(found),
    ...(request.password === undefined ? [passwordUnknown(found, request)] : []),
    ...overriding(found, desired),
    ...overridingFiles(found, wants, desired).map((line) => readAfterOurs(found.node, line)),
  ];
  if (refusals.length > 0) return refused(title, refusals);
  return {
    title: `start ${found.node} and ${title}`,
    refusals: [],
    steps: startSteps(cluster, found, request, desired),
    confirm: unseenSuccessor(state, found),
    notes: wantNotes(found, wants, changedSettings(found, desired)),
  };
}

function startSteps(
  cluster: Cluster,
  found: Stopped,
  request: InitRequest,
  desired: Readonly<Record<string, string>>,
): readonly Step[] {
  const port = Number(desired['port'] ?? effective(found, 'port')?.value ?? 5432);
  const socketDir = found.place.socketDir ?? found.place.socketDirs[0] ?? '/tmp';
  const socket = futureSocket(found, port, socketDir);
  const slots = slotNames(cluster, request.node);
  return [
    ...fileSteps(found, desired, rulesFor(request.role, request.allow)),
    service(found.node, 'start the server', start(found.machine, found.place)),
    ...roleSteps(request, socket, found.version, { role: true, grants: true, slots }),
    ask(found.node, 'it takes writes', socket, ['SELECT NOT pg_is_in_recovery();'], 't', 60),
  ];
}

function asStandby({ node, standby }: Stopped): readonly Problem[] {
  if (!standby) return [];
  return [
    {
      message: `${node}: is a standby that does not run, and a primary is to be made of it`,
      hint: `Start it, then: pgrepl promote ${node}`,
    },
  ];
}

/** pg_control of a half-rewound directory may look like that of a sound primary. */
function rewinding({ node, place }: Stopped): readonly Problem[] {
  if (!place.signals.includes('pgrepl.rewinding')) return [];
  return [
    {
      message: `${node}: is half rewound: its data are of two pasts, and it must not be started`,
      hint: `pgrepl rejoin ${node} goes on with it`,
    },
  ];
}

/** It would end its recovery where nobody wanted it to, or not start at all. */
function recovering({ node, place }: Stopped): readonly Problem[] {
  if (!place.signals.includes('recovery.signal')) return [];
  return [
    {
      message: `${node}: recovery.signal is there: it is to recover from an archive first`,
      hint: 'Start it, let it come to the end of its recovery, then run this again.',
    },
  ];
}

/** What the server itself says about its files: it would not start. */
function confProblems({ node, place }: Stopped): readonly Problem[] {
  const said = (place.confWrong ?? '').split('\n').flatMap((line) => {
    const message = /(?:LOG|FATAL|ERROR): +(.*)$/.exec(line)?.[1] ?? /^postgres: (.*)$/.exec(line)?.[1];
    return message === undefined ? [] : [message];
  });
  const lines = said.filter((line) => !/^configuration file .* contains errors/.test(line));
  return (lines.length > 0 ? lines : said).map((line) => ({
    message: `${node}: ${line}`,
    hint: 'The server would not start with it; mend it first.',
  }));
}

function passwordUnknown({ node }: Stopped, { role }: InitRequest): Problem {
  return {
    message: `${node}: no password is given for the role ${role}, and while the server is stopped nobody knows whether it has one`,
    hint: 'Start the server, or name a password with --password-file or in the cluster file as replication.password.',
  };
}

/** A stopped server may have a successor on a host that cannot be looked at: then a person decides. */
function unseenSuccessor(state: ClusterState, found: Stopped): readonly string[] {
  const unseen = state.nodes.filter((other) => other.is === 'unreachable').map((other) => other.node);
  if (unseen.length === 0) return [];
  return [
    `start ${found.node} as a primary, though ${unseen.join(', ')} cannot be looked at and may have been promoted since`,
  ];
}

function fixedFor(found: Stopped, node: Node): Readonly<Record<string, string>> {
  const port = effective(found, 'port')?.value;
  return node.port !== undefined && String(node.port) !== port ? { port: String(node.port) } : {};
}
