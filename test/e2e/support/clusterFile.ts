import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

export type FileNode = Readonly<{
  pgdata: string;
  port?: number;
  address?: string;
  on?: string;
  upstream?: string;
  slot?: string;
  waldir?: string;
  bindir?: string;
  tablespaces?: Readonly<Record<string, string>>;
}>;

/** Writes pgrepl.yaml and the password file beside it, and gives the path of the former. */
export function clusterFile(
  dir: string,
  nodes: Readonly<Record<string, FileNode>>,
  { cluster = 'shop', role = 'replicator', password = 'secret of the role', name = 'pgrepl.yaml' } = {},
): string {
  const secret = `${name.replace(/\.yaml$/, '')}.password`;
  writeFileSync(join(dir, secret), `${password}\n`, { mode: 0o600 });
  const path = join(dir, name);
  // The servers of another major than the newest that is installed: support/machine.ts.
  const bindir = process.env['PGREPL_BINDIR'] ?? '';
  const defaults = { on: 'local', address: '127.0.0.1', ...(bindir === '' ? {} : { bindir }) };
  const all = Object.fromEntries(
    Object.entries(nodes).map(([node, said]) => [node, { ...defaults, ...said }]),
  );
  writeFileSync(
    path,
    stringify({ cluster, replication: { role, password: { file: `./${secret}` } }, nodes: all }),
  );
  return path;
}
