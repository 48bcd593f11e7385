import pg from 'pg';
import { waitFor } from './machine.ts';
import { sql } from './server.ts';

const PASSWORD = 'the writer knows';

/** The role and the table of a `Writer`. */
export const PREPARE_WRITER = `SET synchronous_commit = local;
CREATE ROLE writer LOGIN PASSWORD '${PASSWORD}';
CREATE TABLE written (n bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
GRANT SELECT, INSERT ON written TO writer;`;

/** Both on the primary. */
export function prepareWriter(pgdata: string): void {
  sql(pgdata, PREPARE_WRITER);
}

/** A writer for a primary that has none yet. It tries these servers, and goes on through whatever is done to them. */
export async function writerOn(primary: string, servers: readonly Endpoint[]): Promise<Writer> {
  prepareWriter(primary);
  return new Writer(servers).start();
}

/** Waits until the server has replayed every row that is acknowledged by now; those written meanwhile do not count. */
export async function hasEveryRow(pgdata: string, writer: Writer): Promise<void> {
  const missing = new Set(writer.lost(pgdata));
  await waitFor(() => missing.size === 0 || !writer.lost(pgdata).some((n) => missing.has(n)), {
    what: `${pgdata} has every acknowledged row`,
  });
}

/** A port of this machine, or another machine's. */
export type Endpoint = number | { host: string; port: number };

/**
 * A client that writes numbered rows, one commit each, to whichever of the servers takes writes. It remembers what was
 * acknowledged, and connects anew when a server goes, as applications with a connection pool do.
 */
export class Writer {
  readonly #servers: readonly { host: string; port: number }[];
  readonly #acknowledged: number[] = [];
  #stopped = false;
  #last = performance.now();
  #outage = 0;
  #done: Promise<void> | undefined;

  constructor(servers: readonly Endpoint[]) {
    this.#servers = servers.map((server) =>
      typeof server === 'number' ? { host: '127.0.0.1', port: server } : server,
    );
  }

  /** Starts it and waits for its first acknowledged row. */
  async start(): Promise<this> {
    this.#done = this.#work();
    await this.acknowledges();
    this.#outage = 0;
    return this;
  }

  /** Waits until it wrote one more row than it has now. */
  async acknowledges(rows = 1, seconds = 30): Promise<void> {
    const wanted = this.#acknowledged.length + rows;
    const deadline = performance.now() + seconds * 1000;
    while (this.#acknowledged.length < wanted) {
      if (performance.now() > deadline) throw new Error(`no row was acknowledged within ${seconds} s`);
      await pause(5);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** How many rows were acknowledged. */
  get count(): number {
    return this.#acknowledged.length;
  }

  /** The longest time between two acknowledged rows, in milliseconds; the one that lasts still counts. */
  get outageMs(): number {
    return Math.max(this.#outage, this.#stopped ? 0 : performance.now() - this.#last);
  }

  /** Rows that were acknowledged and are not on this server. */
  lost(pgdata: string): readonly number[] {
    return this.missing(sql(pgdata, 'SELECT n FROM written;'));
  }

  /** Rows that were acknowledged and are not among these, one a line. */
  missing(rows: string): readonly number[] {
    const there = new Set(rows.split('\n').map(Number));
    return this.#acknowledged.filter((n) => !there.has(n));
  }

  async #work(): Promise<void> {
    let n = 0;
    while (!this.#stopped) {
      const client = await this.#connect();
      if (client === undefined) {
        await pause(5);
        continue;
      }
      try {
        while (!this.#stopped) {
          n += 1;
          await client.query('INSERT INTO written (n) VALUES ($1)', [n]);
          this.#acknowledge(n);
          await pause(1);
        }
      } catch {
        // The server went; another one may take writes.
      }
      await ended(client);
    }
  }

  #acknowledge(n: number): void {
    const now = performance.now();
    this.#outage = Math.max(this.#outage, now - this.#last);
    this.#last = now;
    this.#acknowledged.push(n);
  }

  async #connect(): Promise<pg.Client | undefined> {
    for (const server of this.#servers) {
      const client = new pg.Client({
        ...server,
        user: 'writer',
        password: PASSWORD,
        database: 'postgres',
        connectionTimeoutMillis: 2000,
        query_timeout: 5000,
        application_name: 'writer',
      });
      client.on('error', () => undefined); // told by the query that fails
      try {
        await client.connect();
        const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
        if (rows[0]?.standby === false) return client;
      } catch {
        // Not this one.
      }
      await ended(client);
    }
    return undefined;
  }
}

/** Where the network is cut nobody answers the goodbye. */
async function ended(client: pg.Client): Promise<void> {
  await Promise.race([client.end().catch(() => undefined), pause(1000)]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
