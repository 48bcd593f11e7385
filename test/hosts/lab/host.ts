import { connect } from 'node:net';
import { waitFor } from '../../e2e/support/machine.ts';
import { docker, must, program, type Ended, type How } from './env.ts';

export type Via = 'ssh' | 'docker';
export type Spec = {
  /** A release of Debian; 12 where nothing is said. */
  debian?: number;
  /** The image by its name in scripts/lab/images.js, for what is no plain release. */
  image?: string;
  via?: Via;
  login?: 'root' | 'postgres';
  /** File systems in memory and their sizes, such as { '/var/lib/postgresql': '300m' }. */
  tmpfs?: Readonly<Record<string, string>>;
};

type As = How & { user?: 'root' | 'postgres' };

/** A machine. Its address stays the same while its power or its network comes and goes. */
export type Host = {
  name: string;
  container: string;
  address: string;
  via: Via;
  login: 'root' | 'postgres';
  debian: number;
  major: number;
  /** For a cluster file's `on`. */
  on: string;
  /** As postgres, where nothing else is said; its stdout. */
  exec: (words: readonly string[], as?: As) => Promise<string>;
  tries: (words: readonly string[], as?: As) => Promise<Ended>;
  /** As the superuser, by the socket. */
  sql: (text: string, how?: How & { port?: number }) => Promise<string>;
  write: (path: string, text: string, as?: As) => Promise<void>;
  /** As `docker kill`: nothing is shut down. */
  powerOff: () => Promise<void>;
  powerOn: () => Promise<void>;
  /** The servers in these directories start with the machine, as a unit that is enabled. */
  startsWithTheMachine: (pgdata: string) => Promise<void>;
  /** The cable is pulled: connections that are open are not told. */
  cut: () => Promise<void>;
  /** Every packet is dropped: whoever asks waits. */
  drop: () => Promise<void>;
  /** Packets of one connection alone: what its server sends to the other host. ssh goes on. */
  dropReplicationTo: (other: Host) => Promise<void>;
  heal: () => Promise<void>;
  /** It accepts connections, and nothing on it runs. */
  freeze: () => Promise<void>;
  thaw: () => Promise<void>;
  /** What it sends is limited, as `1mbit`. */
  slow: (rate: string) => Promise<void>;
};

type Made = Pick<Host, 'name' | 'container' | 'address' | 'via' | 'login' | 'debian' | 'major'> & {
  network: string;
};

export function hostOf(made: Made): Host {
  const { container, address, via, login, network } = made;
  let wounds: 'none' | 'cut' | 'dropped' = 'none';
  let lost: readonly string[] | undefined;
  const words = (as: As = {}): readonly string[] => ['exec', '-i', '-u', as.user ?? 'postgres', container];
  const exec: Host['exec'] = (argv, as) => docker([...words(as), ...argv], as);
  const tries: Host['tries'] = (argv, as) => program(['docker', ...words(as), ...argv], as);
  const inItsNetwork = async (argv: readonly string[]): Promise<string> => {
    const pid = await docker(['inspect', '-f', '{{.State.Pid}}', container]);
    return must(['nsenter', '-t', pid, '-n', ...argv]);
  };
  const rules = (what: '-I' | '-D'): Promise<unknown> =>
    Promise.all(
      ['INPUT', 'OUTPUT'].map((chain) => inItsNetwork(['iptables', '-w', what, chain, '-j', 'DROP'])),
    );
  const answers = (): Promise<unknown> =>
    via === 'ssh'
      ? waitFor(() => acceptsOn(address, 22), { seconds: 60, what: `${made.name}: sshd answers` })
      : Promise.resolve();
  return {
    ...made,
    on: via === 'ssh' ? `ssh://${login}@${address}` : `docker://${container}`,
    exec,
    tries,
    sql: (text, { port = 5432, ...how } = {}) =>
      exec(['sh', '-c', PSQL, 'psql', String(port)], { ...how, input: text }),
    write: async (path, text, as) => {
      await exec(['sh', '-c', 'cat >"$1"', 'write', path], { ...as, input: text });
    },
    powerOff: async () => {
      await docker(['kill', container]);
    },
    powerOn: async () => {
      await docker(['start', container]);
      await answers();
    },
    startsWithTheMachine: async (pgdata) => {
      const line = `su postgres -c '/usr/lib/postgresql/${made.major}/bin/pg_ctl -D ${pgdata} -l ${pgdata}/boot.log -W start'`;
      await exec(['sh', '-c', 'cat >/boot/servers && chmod 755 /boot/servers'], {
        user: 'root',
        input: `#!/bin/sh\n${line}\n`,
      });
    },
    cut: async () => {
      wounds = 'cut';
      await docker(['network', 'disconnect', network, container]);
    },
    drop: async () => {
      wounds = 'dropped';
      await rules('-I');
    },
    dropReplicationTo: async (other) => {
      lost = ['OUTPUT', '-p', 'tcp', '--sport', '5432', '-d', other.address, '-j', 'DROP'];
      await inItsNetwork(['iptables', '-w', '-I', ...lost]);
    },
    heal: async () => {
      if (lost !== undefined) await inItsNetwork(['iptables', '-w', '-D', ...lost]);
      lost = undefined;
      if (wounds === 'cut') await docker(['network', 'connect', '--ip', address, network, container]);
      if (wounds === 'dropped') await rules('-D');
      wounds = 'none';
      await answers();
    },
    freeze: async () => {
      await docker(['pause', container]);
    },
    thaw: async () => {
      await docker(['unpause', container]);
    },
    slow: async (rate) => {
      const limit = ['rate', rate, 'burst', '32kbit', 'latency', '400ms'];
      await inItsNetwork(['tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...limit]);
    },
  };
}

const PSQL = `for d in /var/run/postgresql /tmp; do [ -S "$d/.s.PGSQL.$1" ] && break; done
exec psql -XAtqw -v ON_ERROR_STOP=1 -h "$d" -p "$1" -d postgres`;

function acceptsOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    // A server that says hello, and not only a kernel that accepts.
    socket.once('data', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
    function end(answer: boolean): void {
      socket.destroy();
      resolve(answer);
    }
  });
}
