// A client that tries to write every millisecond or two, to whichever of two servers takes it, and remembers the
// longest time in which none did. One line of JSON when it is told to end; `--once` ends it at the first write.
import { performance } from 'node:perf_hooks';
import pg from 'pg';

const { logins, once } = JSON.parse(process.argv[2]);
let last = performance.now();
let outage = 0;
let rows = 0;
let ending = false;
process.on('SIGTERM', () => (ending = true));

async function opened(login) {
  const client = new pg.Client({ ...login, connectionTimeoutMillis: 1000, query_timeout: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    return undefined;
  }
}

async function write(client) {
  try {
    await client.query('INSERT INTO written VALUES ($1)', [rows]);
    return 'written';
  } catch (error) {
    // A standby says that it is read-only; everything else is a lost connection.
    return error.code === '25006' ? 'standby' : 'lost';
  }
}

const clients = await Promise.all(logins.map(opened));
console.log('ready');
for (let at = 0; !ending;) {
  clients[at] ??= await opened(logins[at]);
  const said = clients[at] === undefined ? 'lost' : await write(clients[at]);
  if (said === 'written') {
    const now = performance.now();
    if (rows > 0) outage = Math.max(outage, now - last);
    last = now;
    rows += 1;
    if (once) break;
  } else {
    if (said === 'lost') {
      void clients[at]?.end().catch(() => undefined);
      clients[at] = undefined;
    }
    at = (at + 1) % logins.length;
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
console.log(
  JSON.stringify({ outage, rows, at: Date.now(), time: performance.timeOrigin + performance.now() }),
);
process.exit(0);
