import {
  clusterFile,
  copyTree,
  newPlace,
  owned,
  PASSWORD,
  pgrepl,
  raise,
  removePlace,
  run,
  server,
  sql,
  stop,
  streams,
  timed,
  GIGABYTE,
} from './lab.js';

/** An old primary that took some writes after the other one was promoted, stopped cleanly, one gigabyte. */
export async function measureRejoin({ runs, add, steps }) {
  const cluster = await clusterFile(newPlace(), 2);
  const [old, next] = cluster.nodes;
  await raise({ ...cluster, nodes: [old] });
  await sql(old, GIGABYTE);
  await pgrepl(['clone-standby', 'pg2', '-c', cluster.file]);
  await run(owned([server('pg_ctl'), '-D', next.pgdata, '-w', '-s', 'promote']));
  for (const node of cluster.nodes)
    await sql(node, 'INSERT INTO written SELECT generate_series(1, 1000); CHECKPOINT;');
  await stop(old);
  await copyTree(old.pgdata, `${old.pgdata}.saved`);
  await run(['sync']);
  for (let at = 0; at < runs; at += 1) {
    const bare = await timed(() => rewindByHand(old, next));
    await back(old);
    const { ms, document } = await pgrepl(['rejoin', 'pg1', '-c', cluster.file]);
    steps('rejoin, 1 GB', document.steps);
    await back(old);
    add('rejoin, 1 GB', 'pg_rewind, pg_ctl -w start', { bare, ours: ms, limit: 1.3 });
  }
  removePlace(cluster.dir);
}

/** The disk has it before the next run: a server that was stopped is not a gigabyte of dirty pages. */
async function back(old) {
  await stop(old);
  await copyTree(`${old.pgdata}.saved`, old.pgdata);
  await run(['sync']);
}

async function rewindByHand(old, next) {
  const source = `host=127.0.0.1 port=${next.port} user=bench password=${PASSWORD} dbname=postgres`;
  const follow = `host=127.0.0.1 port=${next.port} user=replicator password=${PASSWORD} application_name=pg1`;
  const script = `set -e
own=$(cat "$2/pgrepl.conf")
"$1" --target-pgdata "$2" --source-server "$3"
printf '%s\\n' "$own" >"$2/pgrepl.conf"
printf "primary_conninfo = '%s'\\nprimary_slot_name = ''\\n" "$5" >>"$2/postgresql.auto.conf"
: >"$2/standby.signal"
"$4" -D "$2" -w -s -l "$2/start.log" start`;
  await run(
    owned(['sh', '-c', script, 'rewind', server('pg_rewind'), old.pgdata, source, server('pg_ctl'), follow]),
  );
  await streams(next, 'pg1');
}
