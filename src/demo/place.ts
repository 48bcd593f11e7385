import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { failure } from '../errors.ts';
import { spawn } from '../run/spawn.ts';
import { quoteWord, Secret } from '../tools/words.ts';

export const NODES = ['pg1', 'pg2', 'pg3'] as const;
export type NodeName = (typeof NODES)[number];

/** Where the demonstration lives: a temporary directory with the cluster file, the passwords and the data. */
export type Place = {
  dir: string;
  file: string;
  ports: Readonly<Record<NodeName, number>>;
  app: { user: string; password: Secret; database: string; passfile: string };
};

export const HOST = '127.0.0.1';

/** Makes the directory, with everything in it that somebody would write by hand. */
export async function makePlace(): Promise<Place> {
  const dir = await mkdtemp(join(parentDirectory(), 'pgrepl-demo-'));
  await giveToOwner(dir);
  const [one = 0, two = 0, three = 0] = await freePorts(NODES.length);
  const place: Place = {
    dir,
    file: join(dir, 'pgrepl.yaml'),
    ports: { pg1: one, pg2: two, pg3: three },
    app: {
      user: 'app',
      password: new Secret(randomBytes(15).toString('base64url')),
      database: 'shop',
      passfile: join(dir, 'app.pgpass'),
    },
  };
  await writeFile(place.file, clusterFile(place));
  await writeFile(join(dir, 'replicator.password'), `${randomBytes(15).toString('base64url')}\n`, {
    mode: 0o600,
  });
  await writeFile(place.app.passfile, passfile(place.app), { mode: 0o600 });
  await writeFile(join(dir, 'remove.sh'), `${REMOVE}\nremove ${quoteWord(dir)}\n`);
  return place;
}

/** The servers run as postgres where we are root, and then a directory of root's own is closed to them. */
function parentDirectory(): string {
  return process.getuid?.() === 0 ? '/tmp' : tmpdir();
}

async function giveToOwner(dir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  await chmod(dir, 0o755);
  const given = await spawn(['chown', 'postgres:', dir]);
  if (given.code === 0) return;
  await spawn(['rmdir', dir]);
  throw failure(
    'refused',
    'there is no user postgres, and PostgreSQL does not run as root',
    "Install PostgreSQL's server package, or run the demo as an ordinary user.",
  );
}

function clusterFile({ dir, ports }: Pick<Place, 'dir' | 'ports'>): string {
  const node = (name: NodeName): string => {
    const upstream = name === 'pg1' ? '' : ', upstream: pg1';
    return `  ${name}: { address: ${HOST}, port: ${ports[name]}, pgdata: ${JSON.stringify(join(dir, name))}${upstream} }\n`;
  };
  return `cluster: demo
replication:
  role: replicator
  password: { file: ./replicator.password }
nodes:
${NODES.map(node).join('')}`;
}

/** Password and user need no escape. */
function passfile({ user, password, database }: Place['app']): string {
  return `${HOST}:*:${database}:${user}:${password.reveal()}\n`;
}

/** Below the ports that the kernel hands out to clients: nobody's connection takes one while its server is down. */
async function freePorts(count: number): Promise<readonly number[]> {
  const first = 12_000;
  const most = Math.max((await lowestOfClients()) - first, 1000);
  const found = new Set<number>();
  for (let tries = 0; tries < 500 && found.size < count; tries += 1) {
    const port = first + Math.floor(Math.random() * most);
    if (await isFree(port)) found.add(port);
  }
  if (found.size === count) return [...found].sort((a, b) => a - b);
  throw failure('refused', `no port is free from ${first} to ${first + most}`);
}

async function lowestOfClients(): Promise<number> {
  const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  return Number(text.trim().split(/\s+/)[0]) || 32_768;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}

/** What people type to end it with --keep, and what we run ourselves without. Only our own servers are stopped. */
const REMOVE = String.raw`remove() {
  for n in pg1 pg2 pg3; do
    f=$1/$n/postmaster.pid
    [ -r "$f" ] && IFS= read -r p <"$f" && [ "$(readlink "/proc/$p/cwd")" = "$1/$n" ] || continue
    kill -QUIT "$p"
    i=0
    while read -r s 2>/dev/null <"/proc/$p/stat"; do
      case ${'$'}{s##*) } in Z*) break ;; esac
      i=$((i + 1)); [ "$i" -lt 100 ] || kill -KILL "$p"
      sleep 0.1
    done
  done
  for n in pg1 pg2 pg3; do
    k=$(printf %s "$1/$n" | cksum)
    rm -f /tmp/.pgrepl-*-"${'$'}{k%% *}-${'$'}{k##* }.lock"
  done
  rm -rf -- "$1"
}`;

/** Stops its servers, whatever became of them, and removes everything. */
export async function removePlace({ dir }: Pick<Place, 'dir'>): Promise<void> {
  const removed = await spawn(['sh', join(dir, 'remove.sh')], { seconds: 60 });
  if (removed.code === 0) return;
  throw failure(
    'failed',
    `${dir} could not be removed: ${removed.stderr.trim()}`,
    `Run \`sh ${quoteWord(join(dir, 'remove.sh'))}\` as ${userInfo().username}.`,
  );
}
