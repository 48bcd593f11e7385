import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, PgreplError } from '../errors.ts';
import { parseCluster } from './parse.ts';
import type { Cluster } from './types.ts';

const LONGEST = 1024 * 1024;
const DEFAULT_FILE = 'pgrepl.yaml';

/** The cluster a file describes. Throws `usage` with everything that is wrong with it. */
export async function loadCluster(path: string): Promise<Cluster> {
  const read = parseCluster(await readText(path), path);
  if ('problems' in read) throw new PgreplError('usage', read.problems);
  return read;
}

/** The cluster file to use: `--config`, else `$PGREPL_CONFIG`, else `pgrepl.yaml` in `cwd` if it is there. */
export async function findClusterFile(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<string | undefined> {
  if (flag !== undefined) return flag;
  const named = env['PGREPL_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const beside = join(cwd, DEFAULT_FILE);
  return access(beside).then(
    () => beside,
    () => undefined,
  );
}

async function readText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure('usage', `${path}: ${REASONS[error.code ?? ''] ?? error.message}`, HINT);
  });
  if (text.length > LONGEST) throw failure('usage', `${path}: is too long for a cluster file`);
  if (text.includes('\0')) throw failure('usage', `${path}: is no text and no cluster file`, HINT);
  return text;
}

const HINT = 'Name the cluster file with --config FILE or in PGREPL_CONFIG.';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a directory and not a cluster file',
  EACCES: 'may not be read by this user',
};
