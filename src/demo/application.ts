import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Cluster } from '../cluster/types.ts';
import { failure } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { stateOf } from '../facts/view.ts';
import { isUp, socketOf } from '../plan/steps.ts';
import { onNodes } from '../run/nodes.ts';
import { pauseFor } from '../run/pause.ts';
import { spawn } from '../run/spawn.ts';
import { scramVerifier } from '../secrets/scram.ts';
import { psql } from '../tools/psql.ts';
import { HOST, type NodeName, type Place } from './place.ts';

/** Seconds that a standby has to show what its primary acknowledged. */
const PATIENCE = 20;

/** A role and a database for the application, made by the servers' owner through the socket. */
export async function makeApplication(
  place: Place,
  cluster: Cluster,
  state: ClusterState,
  primary: NodeName,
): Promise<void> {
  const { user, password, database } = place.app;
  const found = stateOf(state, primary);
  if (found === undefined || !isUp(found)) throw failure('failed', `${primary}: does not run`);
  const verifier = scramVerifier(password, randomBytes(16)).reveal();
  const sql = `CREATE ROLE ${user} LOGIN PASSWORD '${verifier}';\nCREATE DATABASE ${database} OWNER ${user};\n`;
  const made = await spawn(onNodes(cluster, state)({ node: primary }, psql(socketOf(found))), { stdin: sql });
  if (made.code !== 0) throw failure('failed', `${primary}: ${made.stderr.trim()}`);
  await withClient(place, primary, (client) =>
    client.query(
      'CREATE TABLE orders (n int PRIMARY KEY, written_on text NOT NULL, at timestamptz NOT NULL DEFAULT now())',
    ),
  );
}

/** As many rows as are wanted, each a transaction of its own that the server acknowledged. */
export function writeRows(place: Place, primary: NodeName, from: number, count: number): Promise<void> {
  return withClient(place, primary, async (client) => {
    for (let n = from; n < from + count; n += 1)
      await client.query('INSERT INTO orders (n, written_on) VALUES ($1, $2)', [n, primary]);
  });
}

/** Reads until all of them are there; the milliseconds that took. */
export async function readRows(place: Place, node: NodeName, expected: number): Promise<number> {
  const began = performance.now();
  while (!(await hasTable(place, node))) {
    if (performance.now() - began > PATIENCE * 1000)
      throw failure('not-reached', `${node}: has no table yet`);
    await pauseFor(20);
  }
  return withClient(place, node, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM orders');
      const waited = performance.now() - began;
      if (rows[0]?.count === expected) return waited;
      if (waited > PATIENCE * 1000)
        throw failure('not-reached', `${node}: has ${rows[0]?.count ?? 0} of ${expected} rows`);
      await pauseFor(5);
    }
  });
}

/** Errors of a standby that has not yet replayed the role, its password, the database or the table (errcodes.txt). */
const NOT_REPLAYED = ['28000', '28P01', '3D000', '42P01'];

async function hasTable(place: Place, node: NodeName): Promise<boolean> {
  try {
    await connected(place, node, (client) => client.query('SELECT FROM orders LIMIT 0'));
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && NOT_REPLAYED.includes(error.code ?? '')) return false;
    throw told(node, error);
  }
}

function withClient<T>(place: Place, node: NodeName, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return connected(place, node, work).catch((error: unknown) => {
    throw told(node, error);
  });
}

function told(node: NodeName, error: unknown): Error {
  if (error instanceof Error && error.name === 'PgreplError') return error;
  return failure('failed', `${node}: ${error instanceof Error ? error.message : String(error)}`);
}

async function connected<T>(
  place: Place,
  node: NodeName,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { user, password, database } = place.app;
  const client = new pg.Client({
    host: HOST,
    port: place.ports[node],
    user,
    password: password.reveal(),
    database,
    ssl: false,
    application_name: 'pgrepl demo',
    connectionTimeoutMillis: 5000,
    query_timeout: 20_000,
  });
  client.on('error', () => undefined); // the query that fails tells
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
