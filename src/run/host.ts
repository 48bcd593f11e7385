import type { Host } from '../cluster/types.ts';
import { quoteWords } from '../tools/words.ts';

/** Who a command runs as, where that is not the login. */
export type Become = { user: string; by: 'self' | 'runuser' | 'su' | 'sudo' };

/** The ssh program and the directory of its control sockets, as the environment sets them. */
export type Ssh = { program: string; controlDir: string; connectSeconds: number };

export const SSH: Ssh = {
  program: process.env['PGREPL_SSH'] ?? 'ssh',
  controlDir: `/tmp/.pgrepl-ssh-${process.getuid?.() ?? 0}`,
  connectSeconds: 10,
};

function becoming(become: Become | undefined, words: readonly string[]): readonly string[] {
  switch (become?.by) {
    case undefined:
    case 'self':
      return words;
    case 'runuser':
      return ['runuser', '-u', become?.user ?? '', '--', ...words];
    case 'su':
      return ['su', '-s', '/bin/sh', become?.user ?? '', '-c', 'exec "$@"', 'sh', ...words];
    case 'sudo':
      return ['sudo', '-n', '-u', become?.user ?? '', '--', ...words];
  }
}

/**
 * The words that run `words` on a host: as they are, behind ssh with every word quoted for the shell that sshd
 * starts, or behind docker exec. Pure; the executor and the script printer share it.
 */
export function onHost(
  host: Host,
  words: readonly string[],
  become?: Become,
  ssh: Ssh = SSH,
): readonly string[] {
  const there = becoming(become, words);
  switch (host.via) {
    case 'local':
      return there;
    case 'docker':
      return ['docker', 'exec', '-i', '-w', '/', host.container, ...there];
    case 'ssh':
      return [...sshWords(host, ssh), `cd / && exec ${quoteWords(there)}`];
  }
}

/** One control connection a host, kept for a minute: the next command costs a round trip, not a login. */
function sshWords(host: Extract<Host, { via: 'ssh' }>, ssh: Ssh = SSH): readonly string[] {
  const port = host.port === undefined ? [] : ['-p', String(host.port)];
  const options = [
    'BatchMode=yes',
    `ConnectTimeout=${ssh.connectSeconds}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'ControlMaster=auto',
    `ControlPath=${ssh.controlDir}/%C`,
    'ControlPersist=60',
  ];
  return [ssh.program, '-T', ...options.flatMap((option) => ['-o', option]), ...port, host.destination, '--'];
}
