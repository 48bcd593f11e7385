import { parseConninfo } from '../render/conninfo.ts';
import { checking, type Examiner } from './check.ts';
import { newPassword } from './pairs.ts';

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
