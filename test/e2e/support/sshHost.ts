import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { IS_ROOT, command, freePort, onPath, waitFor } from './machine.ts';

export type SshHost = {
  port: number;
  /** The ssh config that knows the host, under any name. */
  config: string;
  /** The value of PGREPL_SSH: an ssh that reads nothing of who runs the tests. */
  ssh: string;
  /** `ssh://root@web1` and the like: every name is this host. */
  destination: (name?: string, user?: string) => string;
  stop: () => void;
};

/** Why there are no tests over SSH here; undefined where there are. */
export const NO_SSH: string | undefined =
  onPath('sshd') === undefined
    ? 'there is no sshd; it is in the package openssh-server'
    : onPath('ssh') === undefined
      ? 'there is no ssh; it is in the package openssh-client'
      : undefined;

if (NO_SSH !== undefined) console.error(`tests over SSH are skipped: ${NO_SSH}`);

/**
 * A real sshd on a loopback port, with a host key and a login key of its own, in `dir`. root and postgres may log in;
 * where an ordinary user runs the tests, they alone. It ends with the file of tests.
 */
export async function sshHost(dir: string): Promise<SshHost> {
  const home = join(dir, 'ssh');
  mkdirSync(home, { recursive: true });
  const port = await freePort();
  for (const key of ['host_key', 'login_key'])
    command(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(home, key)]);
  writeServer(home, port);
  const { config, ssh } = writeClient(home, port);
  if (IS_ROOT) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const daemon = spawn(onPath('sshd') ?? 'sshd', ['-D', '-e', '-f', join(home, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const stop = (): void => stopDaemon(daemon);
  process.once('exit', stop);
  afterAll(stop);
  await waitFor(
    () => {
      if (daemon.exitCode !== null) throw new Error(said);
      return answers(port);
    },
    { seconds: 10, what: 'sshd answers' },
  );
  return {
    port,
    config,
    ssh,
    stop,
    destination: (name = 'host', user = userInfo().username) => `ssh://${user}@${name}`,
  };
}

function writeServer(home: string, port: number): void {
  const keys = join(home, 'authorized_keys');
  writeFileSync(keys, readFileSync(join(home, 'login_key.pub')));
  chmodSync(keys, 0o644);
  // A locked account such as Debian's postgres is let in by PAM alone.
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(home, 'host_key')}`,
    `AuthorizedKeysFile ${keys}`,
    `PidFile ${join(home, 'sshd.pid')}`,
    `UsePAM ${IS_ROOT ? 'yes' : 'no'}`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'MaxStartups 200',
    'MaxSessions 200',
  ];
  writeFileSync(join(home, 'sshd_config'), `${lines.join('\n')}\n`);
}

function writeClient(home: string, port: number): { config: string; ssh: string } {
  const known = join(home, 'known_hosts');
  writeFileSync(known, `pgrepl-test ${readFileSync(join(home, 'host_key.pub'), 'utf8')}`);
  const config = join(home, 'ssh_config');
  const lines = [
    'Host *',
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    '  HostKeyAlias pgrepl-test',
    `  UserKnownHostsFile ${known}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    `  IdentityFile ${join(home, 'login_key')}`,
    '  IdentitiesOnly yes',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const ssh = join(home, 'ssh');
  writeFileSync(ssh, `#!/bin/sh\nexec ${onPath('ssh') ?? 'ssh'} -F ${config} "$@"\n`, { mode: 0o755 });
  chmodSync(ssh, 0o755);
  return { config, ssh };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** With its sessions, so that nobody's control connection outlives it. A server that a session started lives on. */
function stopDaemon(daemon: ChildProcess): void {
  if (daemon.pid === undefined || daemon.exitCode !== null) return;
  for (const pid of [...sessionsOf(daemon.pid), daemon.pid]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

function sessionsOf(parent: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => isSession(pid, parent))
    .map(Number);
  return children.flatMap((child) => [...sessionsOf(child), child]);
}

function isSession(pid: string, parent: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^\d+ \(sshd/.test(stat) && Number(stat.replace(/^.*\) /s, '').split(' ')[1]) === parent;
  } catch {
    return false;
  }
}
