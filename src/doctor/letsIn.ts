import { decides, parseHba, ruleFor, type HbaRecord } from '../render/hba.ts';
import { isRunning } from '../facts/view.ts';
import { checking, type Check, type Examiner } from './check.ts';

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
