import { progressOf } from '../facts/mute.ts';
import { systemOf } from '../facts/view.ts';
import { placeProblems } from '../plan/create.ts';
import { isSeen, type Seen } from '../plan/steps.ts';
import { humanBytes } from '../report/terminal.ts';
import { checking, EVERY, type Examiner } from './check.ts';

const reach = checking('reach', EVERY);

/** The host answers, we are who owns the data, and the state of the directory is one that a verb can start from. */
export const reachable: Examiner = (_, { name }, found) => {
  switch (found.is) {
    case 'unreachable':
      return [reach.wrong(name, found.because.replace(`${name}: `, ''), found.hint)];
    case 'mute':
      return [
        reach.wrong(
          name,
          found.starting
            ? `its server is starting: ${progressOf(found)}`
            : `a server runs and does not answer: ${found.because}`,
          found.starting
            ? 'Wait until it has replayed its WAL.'
            : (found.hint ?? 'Its log tells why; pg_hba.conf must let the owner in by the socket.'),
        ),
      ];
    case 'foreign':
      return [
        reach.wrong(
          name,
          `${found.place.pgdata} is not empty and no data directory`,
          'Name another directory, or move what is there away.',
        ),
      ];
    case 'stopped':
      return [
        reach.warning(
          name,
          `${loggedIn(found)}; its server is stopped`,
          'Some checks need a running server.',
        ),
      ];
    case 'empty':
      return [reach.ok(name, `${loggedIn(found)}; there are no data yet`)];
    case 'primary':
    case 'standby':
      return [
        found.server.superuser
          ? reach.ok(name, `${loggedIn(found)}; the server answers ${found.server.user}, a superuser`)
          : reach.wrong(name, `${found.server.user} is no superuser, and settings and roles need one`),
      ];
  }
};

function loggedIn({ machine }: Seen): string {
  const { login, become, by } = machine;
  return become === undefined
    ? `${login} owns the data`
    : `${login} becomes ${become}, who owns the data, by ${by}`;
}

const systems = checking('cluster', ['switchover', 'rejoin']);

/** Another system identifier: a server that was made by an initdb of its own, and never a copy of this one. */
export const sameSystem: Examiner = ({ primary }, { name }, found) => {
  const own = systemOf(found);
  const there = primary?.server.systemIdentifier;
  if (primary === undefined || own === undefined || own === there || primary.node === name) return [];
  return [
    systems.wrong(
      name,
      `is of another cluster than ${primary.node} (system ${own}, and ${there ?? '?'})`,
      `pgrepl clone-standby ${name} --replace copies ${primary.node} there, if that is what is wanted.`,
    ),
  ];
};

const disk = checking('disk', ['clone-standby', 'rejoin']);

/** A copy lies beside what is there until it is whole. */
export const room: Examiner = ({ primary }, { name }, found) => {
  if (primary === undefined || !isSeen(found) || found.is === 'primary' || found.is === 'foreign') return [];
  const needed = primary.server.dataBytes;
  const { freeBytes, pgdata } = found.place;
  if (needed === 0) return [];
  const what = `a copy of ${primary.node} takes ${humanBytes(needed)}, and ${humanBytes(freeBytes)} are free at ${pgdata}`;
  if (freeBytes > needed * 1.05) return [disk.ok(name, what)];
  const hint = 'A copy is made beside the directory that it replaces: make room, or remove that first.';
  return [found.is === 'empty' ? disk.wrong(name, what, hint) : disk.warning(name, what, hint)];
};

const placing = checking('directory', ['init-primary', 'clone-standby']);

export const directory: Examiner = (_, { name }, found) => {
  if (found.is !== 'empty') return [];
  const problems = placeProblems(found);
  if (problems.length === 0) return [placing.ok(name, `${found.place.pgdata} can be made`)];
  return problems.map(({ message, hint }) => placing.wrong(name, message.replace(`${name}: `, ''), hint));
};

const service = checking('service', ['promote', 'switchover']);

/** A server that does not come back with its host is a standby that is silently missing. */
export const startsAgain: Examiner = ({ extra }, { name }, found) => {
  if (!isSeen(found) || found.is === 'empty' || found.is === 'foreign') return [];
  const owner = found.place.service;
  const starts = extra.hosts.get(name)?.starts;
  switch (owner.by) {
    case 'pg_ctl':
      return [
        service.warning(
          name,
          'no service owns the server: it does not start again with its host',
          'Give it a systemd unit, or start it from your own.',
        ),
      ];
    case 'systemd':
      if (starts === false)
        return [
          service.warning(
            name,
            `${owner.unit} is not enabled: it does not start with its host`,
            `systemctl enable ${owner.unit}`,
          ),
        ];
      return [service.ok(name, `${owner.unit} owns the server`)];
    case 'pg_ctlcluster': {
      const path = `/etc/postgresql/${owner.name.major}/${owner.name.cluster}/start.conf`;
      if (starts === false)
        return [
          service.warning(
            name,
            `${path} does not say auto: it does not start with its host`,
            `Write auto into ${path}.`,
          ),
        ];
      return [service.ok(name, 'postgresql-common owns the server')];
    }
  }
};
