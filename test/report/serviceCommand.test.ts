import { expect, test } from 'vitest';
import type { Host } from '../../src/cluster/types.ts';
import type { Machine, Place } from '../../src/facts/state.ts';
import { serviceCommand } from '../../src/report/serviceCommand.ts';
import { node, place, primary } from './fixtures.ts';

const { machine: MACHINE } = primary('pg1');
const LOCAL: Host = { via: 'local' };
const DEBIAN: Partial<Place> = { service: { by: 'pg_ctlcluster', name: { major: 17, cluster: 'main' } } };
const UNIT: Partial<Place> = { service: { by: 'systemd', unit: 'postgresql-17.service' } };
const PG_CTL = '/usr/lib/postgresql/17/bin/pg_ctl';
const OWN: Partial<Machine> = { programs: { pg_ctl: PG_CTL } };
const ROOT: Partial<Machine> = { login: 'root', become: 'postgres', by: 'runuser' };
const ALICE: Partial<Machine> = { login: 'alice', become: 'postgres', by: 'sudo' };

const start = `${PG_CTL} -D /pg/data -l /pg/data/server.log start`;
const rows: [string, Host, Partial<Machine>, Partial<Place>, string][] = [
  ['pg_ctl, as the owner', LOCAL, OWN, {}, start],
  ['pg_ctl, as root', LOCAL, { ...OWN, ...ROOT }, {}, `runuser -u postgres -- ${start}`],
  [
    'pg_ctl, as root of a host without runuser',
    LOCAL,
    { ...OWN, ...ROOT, by: 'su' },
    {},
    `su -s /bin/sh postgres -c '${start}'`,
  ],
  ['pg_ctl, as somebody who may sudo', LOCAL, { ...OWN, ...ALICE }, {}, `sudo -u postgres -- ${start}`],
  [
    'of a short look, which finds psql',
    LOCAL,
    { programs: { psql: '/opt/pg/bin/psql' } },
    {},
    '/opt/pg/bin/pg_ctl -D /pg/data -l /pg/data/server.log start',
  ],
  [
    'a configuration elsewhere',
    LOCAL,
    OWN,
    { files: { included: [], conf: { path: '/etc/pg/postgresql.conf', text: '' } } },
    `${PG_CTL} -D /pg/data -o '-c config_file=/etc/pg/postgresql.conf' -l /pg/data/server.log start`,
  ],
  ['Debian without systemd, as root', LOCAL, { ...ROOT }, DEBIAN, 'pg_ctlcluster 17 main start'],
  ['Debian without systemd, as the owner', LOCAL, {}, DEBIAN, 'pg_ctlcluster 17 main start'],
  [
    'Debian without systemd, as somebody',
    LOCAL,
    ALICE,
    DEBIAN,
    'sudo -u postgres -- pg_ctlcluster 17 main start',
  ],
  ['Debian, as root', LOCAL, { ...ROOT, systemd: true }, DEBIAN, 'systemctl start postgresql@17-main'],
  ['Debian, as the owner', LOCAL, { systemd: true }, DEBIAN, 'sudo systemctl start postgresql@17-main'],
  ['a unit, as root', LOCAL, { ...ROOT, systemd: true }, UNIT, 'systemctl start postgresql-17.service'],
  ['a unit, as the owner', LOCAL, { systemd: true }, UNIT, 'sudo systemctl start postgresql-17.service'],
  [
    'over ssh, as root',
    { via: 'ssh', destination: 'root@10.0.0.2', port: 2222 },
    { ...OWN, ...ROOT },
    {},
    `ssh -p 2222 root@10.0.0.2 runuser -u postgres -- ${start}`,
  ],
  [
    'over ssh, with words that are quoted there',
    { via: 'ssh', destination: 'pg2' },
    OWN,
    { pgdata: '/pg/my data' },
    `ssh pg2 '${PG_CTL} -D '\\''/pg/my data'\\'' -l '\\''/pg/my data/server.log'\\'' start'`,
  ],
  [
    'in a container',
    { via: 'docker', container: 'pg2' },
    { ...OWN, ...ROOT },
    {},
    `docker exec -u postgres pg2 ${start}`,
  ],
];

test.each(rows)('%s', (_, host, machine, at, wanted) => {
  const found = { machine: { ...MACHINE, ...machine }, place: place(at) };
  expect(serviceCommand(node('pg2', { host }), found, 'start')).toBe(`\`${wanted}\``);
});

test('a server that is a container is restarted with it', () => {
  const found = primary('pg1', { pid: 1 });
  const pg1 = node('pg1', { host: { via: 'docker', container: 'shop-pg1' } });
  expect(serviceCommand(pg1, found, 'restart')).toBe('`docker restart shop-pg1`');
});
