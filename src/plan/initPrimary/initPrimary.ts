import { notOurs } from '../notOurs.ts';
import type { Cluster } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import type { ClusterState, NodeState } from '../../facts/state.ts';
import { start } from '../../tools/service.ts';
import { planAdopted } from './adopt.ts';
import { planStopped } from './adoptStopped.ts';
import { createSteps } from './createCluster.ts';
import { whyNotCreated } from './createGates.ts';
import { effective } from '../effective.ts';
import { passwordMissing, refused, rulesFor, slotNames, wantsFor, type InitRequest } from './initRequest.ts';
import type { Plan } from '../plan.ts';
import { unseen } from '../refusal.ts';
import { roleSteps } from './roleSteps.ts';
import { ask, futureSocket, ownerOf, service, type Seen } from '../steps.ts';

/** Crash recovery is in it. */
const STARTING = 600;

/**
 * Makes the node a primary that would accept a standby from each allowed address: settings, role, pg_hba.conf,
 * slots. A cluster that is there is adopted where it is; only what is missing is changed.
 */
export function planInitPrimary(cluster: Cluster, state: ClusterState, request: InitRequest): Plan {
  const title = `make ${request.node.name} a primary`;
  const found = state.nodes.find(({ node }) => node === request.node.name);
  if (found === undefined || found.is === 'unreachable')
    return { title, steps: [], ...unseen(found, request.node.name) };
  const rivals = rivalsOf(state, found);
  if (rivals.length > 0) return refused(title, rivals);
  switch (found.is) {
    case 'foreign':
      return refused(title, [notOurs(found)]);
    case 'mute':
      return planMute(found, title);
    case 'standby':
      return refused(title, [
        {
          message: `${found.node}: is a standby, and a primary is to be made of it`,
          hint: `pgrepl promote ${found.node} makes a primary of a standby`,
        },
      ]);
    case 'empty':
      return planCreated(cluster, state, found, request, title);
    case 'stopped':
      return planStopped(cluster, state, found, request, title);
    case 'primary':
      return planAdopted(cluster, found, request, title);
  }
}

/** One that starts is waited for; the next round of planning finds it running. */
function planMute(found: Extract<NodeState, { is: 'mute' }>, title: string): Plan {
  const socketDir = found.place.socketDir ?? '/tmp';
  if (found.starting) {
    const socket = futureSocket(found, Number(effective(found, 'port')?.value ?? 5432), socketDir);
    const steps = [
      ask(found.node, 'the server that starts answers', socket, ['SELECT true;'], 't', STARTING),
    ];
    return { title, refusals: [], steps };
  }
  const user = found.place.superuser ?? ownerOf(found);
  return refused(
    title,
    [
      {
        message: `${found.node}: a server runs and does not answer: ${found.because}`,
        hint:
          found.hint ??
          `It is asked as the role ${user} by the socket in ${socketDir}, without a password: pg_hba.conf must let ${user} in, as "local all ${user} peer" does.`,
      },
    ],
    true,
  );
}

/** Another primary, or a successor of this one: a second writable server is what must never be made. */
function rivalsOf(state: ClusterState, found: Seen): readonly Problem[] {
  if (found.is === 'primary') return [];
  const mine = found.is === 'stopped' ? found.control?.systemIdentifier : undefined;
  return state.nodes.flatMap((other) => {
    if (other.node === found.node || other.is !== 'primary') return [];
    if (mine !== undefined && other.server.systemIdentifier !== mine) return [];
    const hint =
      mine === undefined
        ? `pgrepl clone-standby ${found.node} makes a standby of it`
        : `pgrepl rejoin ${found.node} makes a standby of it again`;
    return [
      { message: `${found.node}: ${other.node} is the primary of this cluster and takes writes`, hint },
    ];
  });
}

/** Data of a cluster that lost its primary are worth more than an empty primary. */
function orphansOf(state: ClusterState, found: Seen): readonly Problem[] {
  return state.nodes.flatMap((other) =>
    other.node === found.node || other.is !== 'standby'
      ? []
      : [
          {
            message: `${found.node}: is empty, and ${other.node} is a standby with the data of a cluster`,
            hint: `pgrepl promote ${other.node} makes it the primary, then pgrepl clone-standby ${found.node}`,
          },
        ],
  );
}

/** A server of the file that does not run may hold the data that a new cluster would leave behind. */
function leavesBehind(state: ClusterState, found: Seen): readonly string[] {
  return state.nodes
    .filter((other) => other.node !== found.node && other.is === 'stopped')
    .map(
      (other) => `create an empty cluster on ${found.node}, though ${other.node} has data and does not run`,
    );
}

function planCreated(
  cluster: Cluster,
  state: ClusterState,
  found: Extract<NodeState, { is: 'empty' }>,
  request: InitRequest,
  title: string,
): Plan {
  const refusals = [
    ...orphansOf(state, found),
    ...whyNotCreated(found, request.node),
    ...passwordMissing(found, request, false),
  ];
  if (refusals.length > 0) return refused(title, refusals);
  const created = createSteps({
    found,
    node: request.node,
    rules: rulesFor(request.role, request.allow),
    wants: (version) => wantsFor(cluster, found, request, version, true),
    ...(request.waldir === undefined ? {} : { waldir: request.waldir }),
  });
  const steps = [
    ...created.steps,
    service(found.node, 'start the server', start(found.machine, found.place)),
    ...roleSteps(request, created.socket, created.version, {
      role: true,
      grants: true,
      slots: slotNames(cluster, request.node),
    }),
    ask(found.node, 'it takes writes', created.socket, ['SELECT NOT pg_is_in_recovery();'], 't', 30),
  ];
  return {
    title: `create a cluster on ${found.node} and ${title}`,
    refusals: [],
    steps,
    confirm: leavesBehind(state, found),
    notes: created.notes,
  };
}
