import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  clusterFile,
  newPlace,
  owned,
  PASSWORD,
  pause,
  pgrepl,
  raise,
  removePlace,
  run,
  server,
  sql,
  stop,
  streams,
  timed,
} from './lab.js';

/** A standby from nothing to streaming, from a primary with these data. */
export async function measureClone({ runs, add, steps }, data, what, limit) {
  const cluster = await clusterFile(newPlace(), 2);
  const [primary, standby] = cluster.nodes;
  await raise({ ...cluster, nodes: [primary] });
  if (data !== undefined) await sql(primary, data);
  const passfile = join(cluster.dir, 'pgpass');
  writeFileSync(passfile, `*:*:*:replicator:${PASSWORD}\n`, { mode: 0o600 });
  await run(['chown', '--reference', primary.pgdata, passfile]);
  for (let at = 0; at < runs; at += 1) {
    const bare = await timed(() => bareClone(primary, standby, passfile));
    await forget(primary, standby, 'bare');
    const { ms, document } = await pgrepl(['clone-standby', 'pg2', '-c', cluster.file]);
    steps(what, document.steps);
    await forget(primary, standby, 'pg2');
    add(what, 'pg_basebackup -c fast, pg_ctl -w start', { bare, ours: ms, limit });
  }
  removePlace(cluster.dir);
}

/** With a slot and a password file, as somebody does it by hand. */
async function bareClone(primary, standby, passfile) {
  const conninfo = `host=127.0.0.1 port=${primary.port} user=replicator application_name=bare passfile=${passfile}`;
  const script = `set -e
"$1" -D "$2" -d "$3" -X stream -c fast -C -S bare -R -w
printf "port = %s\\nprimary_conninfo = '%s'\\n" "$4" "$3" >>"$2/postgresql.auto.conf"
rm -f "$2/pgrepl.conf"
printf "port = %s\\nunix_socket_directories = '/tmp'\\nlisten_addresses = '*'\\n" "$4" >"$2/pgrepl.conf"
"$5" -D "$2" -w -s -l "$2/start.log" start`;
  const words = [server('pg_basebackup'), standby.pgdata, conninfo, String(standby.port), server('pg_ctl')];
  await run(owned(['sh', '-c', script, 'clone', ...words]));
  await streams(primary, 'bare');
}

async function forget(primary, standby, slot) {
  await stop(standby, 'SIGQUIT');
  await run(['rm', '-rf', standby.pgdata]);
  await sql(
    primary,
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${slot}';`,
  ).catch(async () => {
    await pause(200);
    await sql(primary, `SELECT pg_drop_replication_slot('${slot}');`);
  });
  await run(['sync']);
}
