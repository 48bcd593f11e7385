import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { failure, type PgreplError } from '../errors.ts';
import { Secret } from '../tools/words.ts';
import type { Cluster, PasswordSource } from './types.ts';

const LONGEST = 64 * 1024;
const SECONDS = 30;
/** libpq asks the same of a password file: passwordFromFile in fe-connect.c. */
const OTHERS = 0o077;

/** Gives the password of the cluster's replication role, if one is named; it is read once. */
export type Password = () => Promise<Secret | undefined>;

/**
 * The password of the cluster's replication role. Throws `usage` where a file or a variable cannot be read. A command is
 * run when the password is asked for the first time: it may ask a person, and a command line with a mistake needs none.
 */
export async function passwordOf(cluster: Cluster): Promise<Password> {
  const { password: source, role } = cluster.replication;
  if (source === undefined) return async () => undefined;
  const read = (): Promise<Secret> => readPassword(source, `the password of ${role}`);
  let reading: Promise<Secret> | undefined;
  if (!('command' in source)) await (reading = read());
  return () => (reading ??= read());
}

/**
 * The password a source refers to. `describe` begins every message: "replication.password".
 * Throws `usage` where the source is not there, empty or open to others, `refused` where its command fails.
 */
export async function readPassword(source: PasswordSource, describe: string): Promise<Secret> {
  const text = await readSource(source, describe);
  const [line = ''] = text.split('\n', 1);
  const password = line.replace(/\r$/, '');
  if (password === '') throw failure('usage', `${describe}: the password is empty`);
  if (password.includes('\0')) throw failure('usage', `${describe}: the password holds a NUL`);
  return new Secret(password);
}

async function readSource(source: PasswordSource, describe: string): Promise<string> {
  if ('file' in source) return readPrivateFile(source.file, describe);
  if ('command' in source) return runCommand(source.command, describe);
  const value = process.env[source.env];
  if (value !== undefined) return value;
  throw failure(
    'usage',
    `${describe}: the environment variable ${source.env} is not set`,
    `export ${source.env}=…`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
};

/** A pipe, as of `<(pass show ...)`, has no mode that means anything. */
async function readPrivateFile(path: string, describe: string): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw failure('usage', `${describe}: cannot read ${path}: ${REASONS[error.code ?? ''] ?? error.message}`);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile() && !stat.isFIFO()) throw failure('usage', `${describe}: ${path} is not a file`);
    if (stat.isFile() && (stat.mode & OTHERS) !== 0)
      throw failure(
        'usage',
        `${describe}: ${path} may be read by others than its owner`,
        `chmod 600 ${path}`,
      );
    if (stat.size > LONGEST) throw failure('usage', `${describe}: ${path} is too long for a password file`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function runCommand([program = '', ...words]: readonly string[], describe: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: SECONDS * 1000, killSignal: 'SIGKILL' as const, maxBuffer: LONGEST };
    const child = execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(commandFailure(program, describe, error, stderr));
    });
    child.stdin?.end();
  });
}

/** What the command printed on stdout may be the password, and is in no message. */
function commandFailure(
  program: string,
  describe: string,
  error: { code?: string | number | null; killed?: boolean; signal?: string | null },
  stderr: string,
): PgreplError {
  if (error.code === 'ENOENT') return failure('usage', `${describe}: there is no program ${program}`);
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`;
  return failure(
    'refused',
    `${describe}: ${program} ${ending(error)}${said}`,
    'Run the command by hand to see why.',
  );
}

function ending({
  code,
  killed,
  signal,
}: {
  code?: string | number | null;
  killed?: boolean;
  signal?: string | null;
}): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed too much for a password';
  if (killed === true) return `did not end within ${SECONDS} s`;
  if (typeof signal === 'string') return `was ended by ${signal}`;
  return typeof code === 'number' ? `ended with status ${code}` : `could not be started (${String(code)})`;
}
