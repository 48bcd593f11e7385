import type { Node } from '../cluster/types.ts';
import type { HbaRecord } from '../render/hba.ts';
import { decides, parseHba, ruleFor } from '../render/hba.ts';
import { parseConninfo } from '../render/conninfo.ts';
import { attachmentOf, upstreamOf } from '../facts/upstream.ts';
import { lostAt } from '../facts/slots.ts';
import { isRunning, stateOf, type RunningState, type StandbyState, type View } from '../facts/view.ts';
import { comesBack, COMMAND } from '../report/finding.ts';
import { serviceCommand } from '../report/serviceCommand.ts';
import { humanSeconds } from '../report/terminal.ts';
import { checking, type Case, type Check, type Examiner } from './check.ts';

const floor = checking('floors', ['clone-standby', 'promote', 'switchover', 'rejoin']);

/** https://www.postgresql.org/docs/current/hot-standby.html, "Administrator's Overview". */
const FLOORS = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

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

const hba = checking('pg_hba.conf', ['clone-standby', 'switchover', 'rejoin']);

/** Whether the node would let each other node in for replication, and by which line. */
export const letsIn: Examiner = ({ cluster, extra }, { name }, found) => {
  if (!isRunning(found) || cluster.file === undefined) return [];
  const file = found.place.files.hba;
  if (file === undefined)
    return [hba.warning(name, 'pg_hba.conf cannot be read', 'Run it as root or as the owner of the file.')];
  const { records, includes } = parseHba(file.text);
  const user = cluster.replication.role;
  const ssl = found.server.settings['ssl']?.value === 'on';
  return cluster.nodes
    .filter((other) => other.name !== name)
    .flatMap((other) =>
      (extra.addresses.get(other.name) ?? []).map((address) => {
        const record = decides(records, { replication: true, user, address, ssl });
        const who = `${other.name} (${address})`;
        const rule = `Put this line first and reload: ${ruleFor(user, address)}`;
        if (record === undefined)
          return includes.length > 0
            ? hba.warning(
                name,
                `no line of ${file.path} itself lets ${who} in; included files were not looked into`,
                rule,
                other.name,
              )
            : hba.wrong(
                name,
                `no line of ${file.path} lets ${who} in for replication as ${user}`,
                rule,
                other.name,
              );
        return judged(name, file.path, record, who, rule, other.name);
      }),
    );
};

const PASSWORDS = new Set(['scram-sha-256', 'md5', 'password']);

function judged(
  name: string,
  path: string,
  record: HbaRecord,
  who: string,
  rule: string,
  other: string,
): Check {
  const { line, method } = record;
  if (method === 'reject') return hba.wrong(name, `${path} line ${line} turns ${who} away`, rule, other);
  if (method === 'trust')
    return hba.warning(name, `${path} line ${line} lets ${who} in without a password`, rule, other);
  if (!PASSWORDS.has(method))
    return hba.warning(
      name,
      `${path} line ${line} lets ${who} in by ${method}, not by a password`,
      rule,
      other,
    );
  return hba.ok(name, `lets ${who} in for replication, by line ${line}`, other);
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

const slots = checking('slot', ['switchover', 'rejoin']);

/** The slot a standby uses is at its upstream, and not lost. */
export const slotThere: Examiner = ({ cluster, state, primary }, node, found) => {
  if (found.is !== 'standby') return slotOfAbsent({ cluster, state, primary }, node);
  const upstream = upstreamOf(cluster, state, node.name);
  const above = upstream === undefined ? undefined : stateOf(state, upstream);
  if (upstream === undefined || !isRunning(above)) return [];
  if (found.slot === '')
    return [
      slots.warning(
        node.name,
        `uses no slot at ${upstream}: it loses its place when it is away for long`,
        COMMAND.follow(node.name, upstream),
        upstream,
      ),
    ];
  const there = above.server.slots.find(({ name }) => name === found.slot);
  if (there === undefined)
    return [
      slots.wrong(
        node.name,
        `its slot ${found.slot} is not at ${upstream}`,
        COMMAND.follow(node.name, upstream),
        upstream,
      ),
    ];
  if (there.walStatus === 'lost')
    return [
      slots.wrong(
        node.name,
        `its slot ${found.slot} at ${upstream} is lost`,
        COMMAND.cloneAgain(node.name),
        upstream,
      ),
    ];
  return [slots.ok(node.name, `its slot ${found.slot} is at ${upstream}`, upstream)];
};

/** Of a standby that does not run its upstream tells. */
function slotOfAbsent(view: View, node: Node): readonly Check[] {
  const upstream = lostAt(view, node);
  if (upstream === undefined) return [];
  const what = `its slot ${node.slot} at ${upstream} is lost, WAL that it needs is gone`;
  return [slots.wrong(node.name, what, comesBack(node.name), upstream)];
}

const replay = checking('replay', ['promote', 'switchover']);
/** Seconds of lag from which a switchover would take long. */
const LATE = 60;

/** A standby that can be promoted streams, is not told to be late, and replays. */
export const replays: Examiner = (the, { name }, found) => {
  if (found.is !== 'standby') return [];
  const wrong = [...late(name, found), ...still(the, name, found)];
  return wrong.length > 0 ? wrong : [replay.ok(name, 'streams, and replays what it receives')];
};

function late(name: string, { paused, delayMs, lagSeconds }: StandbyState): readonly Check[] {
  const resume = 'Go on: `select pg_wal_replay_resume()`.';
  return [
    ...(paused ? [replay.wrong(name, 'its replay is paused', resume)] : []),
    ...(delayMs > 0
      ? [
          replay.warning(
            name,
            `replays ${humanSeconds(delayMs / 1000)} late, as it is told to: it is not for promoting`,
            'Promote another one; --allow-delayed promotes it all the same.',
          ),
        ]
      : []),
    ...(delayMs === 0 && lagSeconds > LATE
      ? [
          replay.warning(
            name,
            `is ${humanSeconds(lagSeconds)} behind`,
            'Wait until it has caught up, or see what holds its replay up.',
          ),
        ]
      : []),
  ];
}

function still({ cluster, state }: Case, name: string, found: StandbyState): readonly Check[] {
  const streams = found.streaming?.status === 'streaming' || attachmentOf(cluster, state, name) !== undefined;
  return streams ? [] : [replay.wrong(name, 'does not stream', '`pgrepl status` says why.')];
}

const passfiles = checking('password file', ['switchover', 'rejoin']);

/** libpq ignores a password file that others may read, with a warning in the standby's log alone. */
export const passfile: Examiner = (asked, { name }, found) => {
  if (found.is !== 'standby') return [];
  if (parseConninfo(found.conninfo)?.['password'] !== undefined)
    return [
      passfiles.warning(
        name,
        'its password stands in primary_conninfo, where every superuser and every backup sees it',
        'Move it into a password file: pgrepl clone-standby and follow write one.',
      ),
    ];
  const file = asked.extra.hosts.get(name)?.passfile;
  if (file === undefined) return [];
  if (file.mode === undefined)
    return [
      passfiles.wrong(
        name,
        `its password file ${file.path} is not there`,
        'Write it again, for the owner of the data alone.',
      ),
    ];
  const owner = found.machine.become ?? found.machine.login;
  if (file.owner !== owner)
    return [
      passfiles.wrong(
        name,
        `its password file ${file.path} belongs to ${file.owner ?? '?'} and not to ${owner}`,
        `chown ${owner} ${file.path}`,
      ),
    ];
  if (!/^[0-7]?[0-7]00$/.test(file.mode))
    return [
      passfiles.wrong(
        name,
        `its password file ${file.path} may be read by others (mode ${file.mode}), and libpq ignores it`,
        `chmod 600 ${file.path}`,
      ),
    ];
  if (file.stale === true)
    return [
      passfiles.wrong(
        name,
        `its password file ${file.path} holds another password than the cluster file: once its connection ends, it could not connect again`,
        newPassword(asked, name),
      ),
    ];
  return [passfiles.ok(name, `its password file ${file.path} is for ${owner} alone`)];
};

/** `clone-standby` wants the upstream of the cluster file, `follow` takes the one that it has now. */
function newPassword({ cluster, state, primary }: Case, name: string): string {
  const upstream = upstreamOf(cluster, state, name);
  const write = upstream === undefined ? COMMAND.clone(name) : COMMAND.follow(name, upstream);
  return `${COMMAND.init(primary?.node ?? upstream ?? 'PRIMARY')} gives the role the new password, then ${write} writes it here.`;
}
