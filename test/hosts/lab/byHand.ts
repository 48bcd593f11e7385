import type { Host } from './host.ts';

export const DATA = '/var/lib/postgresql/15/data';
const BIN = '/usr/lib/postgresql/15/bin';

/** A primary as a tutorial makes it. */
export async function primaryByHand(
  host: Host,
  settings = '',
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  await host.exec([
    `${BIN}/initdb`,
    '-D',
    DATA,
    '--auth-host=scram-sha-256',
    '--auth-local=peer',
    '--no-sync',
  ]);
  for (const [path, text] of Object.entries(files)) await append(host, path, text);
  await append(host, 'postgresql.conf', `listen_addresses = '*'\n${settings}`);
  await append(host, 'pg_hba.conf', 'host replication all 0.0.0.0/0 scram-sha-256\n');
  await start(host);
  await host.sql("CREATE ROLE replicator LOGIN REPLICATION PASSWORD 'secret of the role';");
}

/** And its standby: pg_basebackup -R, with the password in primary_conninfo, no slot and no name. */
export async function standbyByHand(host: Host, primary: Host, words: readonly string[] = []): Promise<void> {
  const from = `host=${primary.address} user=replicator password='secret of the role'`;
  await host.exec([
    `${BIN}/pg_basebackup`,
    '-D',
    DATA,
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
    '-d',
    from,
    ...words,
  ]);
  await start(host);
}

export async function append(host: Host, file: string, text: string): Promise<void> {
  await host.exec(
    [
      'sh',
      '-c',
      'mkdir -p "$(dirname "$1")" && cat >>"$1"',
      'append',
      file.startsWith('/') ? file : `${DATA}/${file}`,
    ],
    {
      input: text,
    },
  );
}

export async function start(host: Host): Promise<void> {
  await host.exec([`${BIN}/pg_ctl`, '-D', DATA, '-w', '-s', '-l', `${DATA}/by-hand.log`, 'start']);
}
