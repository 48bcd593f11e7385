import { has, REWIND_WITHOUT_SUPERUSER } from '../cluster/version.ts';
import type { PrimaryState } from '../facts/view.ts';
import { checking, type Check, type Examiner } from './check.ts';

const roles = checking('role', ['clone-standby', 'switchover', 'rejoin']);
const rewinding = checking('rewind', ['rejoin']);

/** The role that standbys come as, and whether the password of the file is its password. */
export const role: Examiner = ({ cluster, extra }, { name }, found) => {
  // A standby has the roles of its primary.
  if (found.is !== 'primary') return [];
  const wanted = cluster.replication.role;
  const there = found.server.roles.find((each) => each.name === wanted);
  const make = `\`pgrepl init-primary ${name}\` makes it so.`;
  if (there === undefined) return [roles.wrong(name, `there is no role ${wanted} that may replicate`, make)];
  if (!there.login || !there.replication)
    return [roles.wrong(name, `the role ${wanted} may not ${there.login ? 'replicate' : 'log in'}`, make)];
  return [
    passwordOf(extra.fits, name, wanted, there.verifier),
    ...rewinds(name, found, wanted, there.rewinds),
  ];
};

function passwordOf(
  fits: ((verifier: string) => boolean) | undefined,
  name: string,
  wanted: string,
  verifier: string | undefined,
): Check {
  if (fits === undefined)
    return roles.ok(
      name,
      `the role ${wanted} may log in and replicate (no password is named, so none was compared)`,
    );
  if (verifier === undefined)
    return roles.wrong(
      name,
      `the role ${wanted} has no password`,
      `\`pgrepl init-primary ${name}\` gives it that of the cluster file.`,
    );
  if (fits(verifier))
    return roles.ok(
      name,
      `the role ${wanted} may log in with the password of the cluster file, and replicate`,
    );
  const hint = `Correct the password in the cluster file; or \`pgrepl init-primary ${name}\` gives the role that one, and standbys that stream need it too.`;
  if (verifier.startsWith('md5'))
    return roles.warning(
      name,
      `the password of ${wanted} is kept as md5, and cannot be compared`,
      `\`pgrepl init-primary ${name}\` keeps it as scram-sha-256.`,
    );
  return roles.wrong(name, `the password of the cluster file is not that of the role ${wanted}`, hint);
}

function rewinds(name: string, { server }: PrimaryState, wanted: string, may: boolean): readonly Check[] {
  if (!has(server.version, REWIND_WITHOUT_SUPERUSER)) return [];
  if (may) return [rewinding.ok(name, `the role ${wanted} may read what pg_rewind reads`)];
  return [
    rewinding.warning(
      name,
      `the role ${wanted} may not read what pg_rewind reads`,
      `\`pgrepl init-primary ${name}\` grants it.`,
    ),
  ];
}
