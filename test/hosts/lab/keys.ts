import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../e2e/support/machine.ts';

export type Keys = { dir: string; ssh: string };

/** Everything sshd of every host needs, in a directory that is mounted there as /lab, and an ssh that knows them. */
export function labKeys(dir: string): Keys {
  mkdirSync(dir, { recursive: true });
  for (const key of ['host_key', 'login_key']) {
    if (!existsSync(join(dir, key)))
      command(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(dir, key)]);
  }
  writeFileSync(join(dir, 'authorized_keys'), readFileSync(join(dir, 'login_key.pub')), { mode: 0o644 });
  writeFileSync(join(dir, 'sshd_config'), SSHD);
  writeFileSync(join(dir, 'boot'), BOOT);
  writeFileSync(join(dir, 'lab.service'), UNIT);
  writeFileSync(join(dir, 'known_hosts'), `lab ${readFileSync(join(dir, 'host_key.pub'), 'utf8')}`);
  writeFileSync(join(dir, 'ssh_config'), clientConfig(dir));
  const ssh = join(dir, 'ssh');
  writeFileSync(ssh, `#!/bin/sh\nexec ssh -F ${join(dir, 'ssh_config')} "$@"\n`);
  chmodSync(ssh, 0o755);
  return { dir, ssh };
}

const SSHD = `Port 22
HostKey /lab/host_key
AuthorizedKeysFile /lab/authorized_keys
StrictModes no
UsePAM yes
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
MaxStartups 200
MaxSessions 200
`;

/** What a machine does when its power comes on: the servers that were enabled, then sshd. */
const BOOT = `mkdir -p /run/sshd
install -d -o postgres -g postgres -m 2775 /run/postgresql
[ ! -x /boot/servers ] || /boot/servers
[ "$1" = ssh ] || exec sleep infinity
exec /usr/sbin/sshd -D -e -f /lab/sshd_config
`;

/** The same where systemd is process 1: it starts the servers itself. */
const UNIT = `[Service]
ExecStart=/bin/sh /lab/boot ssh
`;

function clientConfig(dir: string): string {
  return `Host *
  HostKeyAlias lab
  UserKnownHostsFile ${join(dir, 'known_hosts')}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentityFile ${join(dir, 'login_key')}
  IdentitiesOnly yes
`;
}
