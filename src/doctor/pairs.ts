import { FLOORS } from '../facts/floors.ts';
import { upstreamOf } from '../facts/upstream.ts';
import { isRunning, type RunningState } from '../facts/view.ts';
import { COMMAND } from '../report/finding.ts';
import { serviceCommand } from '../report/serviceCommand.ts';
import { checking, type Case, type Examiner } from './check.ts';

const floor = checking('floors', ['clone-standby', 'promote', 'switchover', 'rejoin']);

/** As a standby of any other node it may have none of them lower: it would pause, or not start. */
export const floors: Examiner = ({ state }, node, found) => {
  const { name } = node;
  if (!isRunning(found)) return [];
  const others = state.nodes.filter(isRunning).filter((other) => other.node !== name);
  const low = FLOORS.flatMap((setting) => {
    const own = valueOf(found, setting);
    const highest = others.toSorted((a, b) => valueOf(b, setting) - valueOf(a, setting))[0];
    if (highest === undefined || valueOf(highest, setting) <= own) return [];
    const wanted = valueOf(highest, setting);
    const hint = `Set it to ${wanted} and restart: ${serviceCommand(node, found, 'restart')}. Standbys go first.`;
    return [
      floor.wrong(
        name,
        `${setting} is ${own}, and ${wanted} on ${highest.node}: as its standby it would stop`,
        hint,
        highest.node,
      ),
    ];
  });
  if (low.length > 0 || others.length === 0) return low;
  return [floor.ok(name, 'none of the five settings of a hot standby is lower than on another node')];
};

function valueOf({ server }: RunningState, setting: string): number {
  return Number(server.settings[setting]?.value ?? 0);
}

const login = checking('login', ['clone-standby', 'switchover', 'rejoin']);

/** Logins that were tried, in the directions that verbs need. */
export const logins: Examiner = ({ cluster, extra }, { name }) =>
  extra.logins
    .filter(({ from }) => from === name)
    .map(({ to, because }) =>
      because === undefined
        ? login.ok(name, `logs in to ${to} as ${cluster.replication.role} for replication`, to)
        : login.wrong(
            name,
            `cannot log in to ${to} as ${cluster.replication.role} for replication: ${because}`,
            'The lines above about the role, pg_hba.conf, listen_addresses and the firewall tell which it is.',
            to,
          ),
    );

/** `clone-standby` wants the upstream of the cluster file, `follow` takes the one that it has now. */
export function newPassword({ cluster, state, primary }: Case, name: string): string {
  const upstream = upstreamOf(cluster, state, name);
  const write = upstream === undefined ? COMMAND.clone(name) : COMMAND.follow(name, upstream);
  return `${COMMAND.init(primary?.node ?? upstream ?? 'PRIMARY')} gives the role the new password, then ${write} writes it here.`;
}
