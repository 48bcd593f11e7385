import { addressOf, addressesOf } from '../cluster/addresses.ts';
import { hasStalePassword } from './passfile.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import type { Extra, HostFacts, Login } from '../doctor/check.ts';
import type { ClusterState } from '../facts/state.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { isRunning, stateOf, viewOf } from '../facts/view.ts';
import { withoutProgram } from '../facts/withoutProgram.ts';
import { passfileOf } from '../plan/link.ts';
import { isSeen, type Seen } from '../plan/steps.ts';
import { conninfo, parseConninfo } from '../render/conninfo.ts';
import { why } from '../run/runStep.ts';
import { askAnew } from '../run/asking.ts';
import { onNodes } from '../run/nodes.ts';
import { spawn } from '../run/spawn.ts';
import { matchesVerifier } from '../secrets/scram.ts';
import { psqlTo } from '../tools/psql.ts';
import { HOST_FACTS, script, WITH_PASSWORD } from '../tools/shell.ts';
import type { Secret } from '../tools/words.ts';

/** Seconds that a host has for a question, and a server for a login. */
const SECONDS = 10;

/** What the doctor asks of hosts and of the network; everything at once. */
export async function askDoctor(
  cluster: Cluster,
  state: ClusterState,
  password: Secret | undefined,
): Promise<Extra> {
  const seen = state.nodes.filter(isSeen);
  const [addresses, hosts, logins] = await Promise.all([
    Promise.all(
      cluster.nodes.map(async (node) => [node.name, await addressesOfNode(cluster, node)] as const),
    ),
    Promise.all(
      seen.map(async (found) => [found.node, await hostFacts(cluster, state, found, password)] as const),
    ),
    Promise.all(pairsOf(cluster, state).map((pair) => tryLogin(cluster, state, pair, password))),
  ]);
  return {
    ...(password === undefined ? {} : { fits: (verifier: string) => matchesVerifier(password, verifier) }),
    addresses: new Map(addresses),
    hosts: new Map(hosts),
    logins: logins.filter((login) => login !== undefined),
  };
}

function addressesOfNode(cluster: Cluster, node: Node): Promise<readonly string[]> {
  return addressesOf({ ...cluster, nodes: [node] }, node, [addressOf(node)]);
}

async function hostFacts(
  cluster: Cluster,
  state: ClusterState,
  found: Seen,
  password: Secret | undefined,
): Promise<HostFacts> {
  const path = found.is === 'standby' ? (parseConninfo(found.conninfo)?.['passfile'] ?? '') : '';
  const { service } = found.place;
  const unit = service.by === 'systemd' ? service.unit : '';
  const conf =
    service.by === 'pg_ctlcluster'
      ? `/etc/postgresql/${service.name.major}/${service.name.cluster}/start.conf`
      : '';
  if (path === '' && unit === '' && conf === '') return {};
  const onNode = onNodes(cluster, state);
  const words = onNode({ node: found.node }, script(HOST_FACTS, 'facts', path, unit, conf));
  const wanted = { role: cluster.replication.role, ...(password === undefined ? {} : { password }) };
  const [{ code, stdout }, stale] = await Promise.all([
    spawn(words, { seconds: SECONDS }),
    hasStalePassword(found, wanted, askAnew(cluster, state)),
  ]);
  if (code !== 0) return {};
  const [file = '', enabled = ''] = stdout.split('\n');
  const [mode, owner] = file.split(' ');
  return {
    ...(path === ''
      ? {}
      : { passfile: { path, stale, ...(mode === undefined || owner === undefined ? {} : { mode, owner }) } }),
    ...(enabled === '' ? {} : { starts: enabled === 'enabled' || enabled === 'auto' }),
  };
}

/** From each node to its upstream and to the primary, and from the primary to each, for after a switchover. */
function pairsOf(cluster: Cluster, state: ClusterState): readonly (readonly [Node, Node])[] {
  const primary = viewOf(cluster, state).primary?.node;
  return cluster.nodes.flatMap((from) =>
    cluster.nodes
      .filter((to) => from !== to && isRunning(stateOf(state, to.name)))
      .filter(
        (to) =>
          to.name === primary ||
          from.name === primary ||
          to.name === (upstreamOf(cluster, state, from.name) ?? from.upstream),
      )
      .map((to) => [from, to] as const),
  );
}

/** With the password of the cluster file, else with the password file of the node; undefined where there is neither. */
async function tryLogin(
  cluster: Cluster,
  state: ClusterState,
  [from, to]: readonly [Node, Node],
  password: Secret | undefined,
): Promise<Login | undefined> {
  const [here, there] = [stateOf(state, from.name), stateOf(state, to.name)];
  if (here === undefined || !isSeen(here) || !isRunning(there)) return undefined;
  const program = here.machine.programs.psql;
  const own = here.place.signals.includes('pgrepl.pgpass');
  if (program === undefined || (password === undefined && !own)) return undefined;
  const text = conninfo({
    host: addressOf(to),
    port: String(there.server.port),
    user: cluster.replication.role,
    replication: 'true',
    connect_timeout: '5',
    ...(password === undefined ? { passfile: passfileOf(here.place.real) } : {}),
  });
  const argv = psqlTo(program, text);
  const words = password === undefined ? argv : script(WITH_PASSWORD, 'with-password', ...argv);
  const ended = await spawn(onNodes(cluster, state)({ node: from.name }, words), {
    stdin: `${password === undefined ? '' : `${password.reveal()}\n`}IDENTIFY_SYSTEM;\n`,
    seconds: SECONDS,
  });
  const pair = { from: from.name, to: to.name };
  return ended.code === 0 ? pair : { ...pair, because: withoutProgram(why(ended)) };
}
