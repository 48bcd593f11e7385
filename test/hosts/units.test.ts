import { expect } from 'vitest';
import { waitFor } from '../e2e/support/machine.ts';
import { append } from './lab/byHand.ts';
import type { TheCluster } from './lab/cluster.ts';
import type { Host } from './lab/host.ts';
import { story } from './lab/lab.ts';
import { barePair } from './lab/tree.ts';

/** Machines with systemd, on which pgrepl is root. */
const UNITS = { image: 'units', login: 'root' } as const;

const ROOT = { user: 'root' } as const;

story(
  'units of Debian: a server that systemd started is adopted, cloned, switched over and boots',
  async (lab) => {
    const { shop, pg1, pg2 } = await barePair(lab, { ...UNITS, pgdata: '15/main' });
    const unit = 'postgresql@15-main.service';
    await pg1.exec(['pg_createcluster', '15', 'main'], ROOT);
    await pg1.exec(['systemctl', 'start', unit], ROOT);
    const before = await mainPid(pg1, unit);
    await shop.does('init-primary', 'pg1');
    expect(await mainPid(pg1, unit), 'it was restarted').not.toBe(before);
    await shop.does('clone-standby', 'pg2');
    await ownedBy(unit, pg1, pg2);
    await thereAndBack(shop);
    await ownedBy(unit, pg1, pg2);

    // They come up with their machines.
    for (const host of [pg2, pg1]) {
      await host.powerOff();
      await host.powerOn();
    }
    await shop.healthy();
    await ownedBy(unit, pg1, pg2);
    await shop.endsWell('pg1');
  },
);

story(
  "Red Hat's layout: started, stopped and restarted by systemctl, by the unit of the package",
  async (lab) => {
    const { shop, pg1, pg2 } = await barePair(lab, { ...UNITS, pgdata: DATA });
    const unit = 'postgresql-15.service';
    for (const host of [pg1, pg2]) {
      await host.exec(['sh', '-ec', AS_RED_HAT], ROOT);
      await host.write(`/usr/lib/systemd/system/${unit}`, UNIT, ROOT);
      await host.exec(['systemctl', 'daemon-reload'], ROOT);
      await host.exec(['systemctl', 'enable', unit], ROOT);
    }
    await pg1.exec([
      `${BIN}/initdb`,
      '-D',
      DATA,
      '--no-sync',
      '--auth-local=peer',
      '--auth-host=scram-sha-256',
    ]);
    await append(pg1, `${DATA}/postgresql.conf`, "unix_socket_directories = '/tmp'\n");
    await pg1.exec(['systemctl', 'start', unit], ROOT);
    await shop.does('init-primary', 'pg1');
    await shop.does('clone-standby', 'pg2');
    await ownedBy(unit, pg1, pg2);
    await thereAndBack(shop);
    await ownedBy(unit, pg1, pg2);
    await shop.endsWell('pg1');
  },
);

const DATA = '/var/lib/pgsql/15/data';
const BIN = '/usr/pgsql-15/bin';

/** The programs where the packages of Red Hat have them, and nowhere else. */
const AS_RED_HAT = `mkdir -p /usr/pgsql-15 /var/lib/pgsql/15
mount --bind /usr/lib/postgresql/15 /usr/pgsql-15
mount --make-private /usr/pgsql-15
mount -t tmpfs none /usr/lib/postgresql/15/bin
ln -s /usr/pgsql-15/bin/psql /usr/local/bin/psql
chown -R postgres: /var/lib/pgsql`;

const UNIT = `[Unit]
Description=PostgreSQL 15 database server
[Service]
Type=notify
User=postgres
Environment=PGDATA=${DATA}/
ExecStart=${BIN}/postmaster -D \${PGDATA}
KillMode=mixed
KillSignal=SIGINT
TimeoutSec=60
[Install]
WantedBy=multi-user.target
`;

async function thereAndBack(shop: TheCluster): Promise<void> {
  const writer = await shop.writer();
  await shop.does('switchover', 'pg2');
  await writer.acknowledges(5, 90);
  await shop.does('switchover', 'pg1');
  await shop.endsWell('pg1', writer);
}

/** The unit is active on each, and the server runs in its cgroup: nobody started it behind systemd's back. */
async function ownedBy(unit: string, ...hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    // After a start of the machine systemd may still wait for what runs already.
    const active = async (): Promise<boolean> =>
      (await host.tries(['systemctl', 'is-active', unit], ROOT)).stdout.trim() === 'active';
    await waitFor(active, { seconds: 60, what: `${host.name}: ${unit} is active` });
    const pid = (await host.exec(['sh', '-c', 'pgrep -o -x "postgres|postmaster"'], ROOT)).trim();
    expect(await host.exec(['cat', `/proc/${pid}/cgroup`], ROOT), host.name).toContain(unit);
  }
}

async function mainPid(host: Host, unit: string): Promise<string> {
  return host.exec(['systemctl', 'show', '-p', 'MainPID', '--value', unit], ROOT);
}
