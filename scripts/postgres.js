// Makes sure that PostgreSQL's server programs are on this machine.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const PROGRAMS = ['postgres', 'initdb', 'pg_ctl', 'pg_basebackup', 'psql'];
const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.conf';
/** What only the tests need: the package, and a program of it. */
const TEST_PACKAGES = [
  { name: 'openssh-server', program: 'sshd', tests: 'ssh' },
  { name: 'sudo', program: 'sudo', tests: 'sudo' },
  { name: 'postgresql-common', program: 'pg_createcluster', tests: 'Debian layout' },
];

/** Ends the process with status 2 and one sentence where PostgreSQL is not there and cannot be installed. */
export function ensurePostgres() {
  if (serverPrograms() !== undefined) return;
  if (!canInstall()) giveUp();
  install(['postgresql']);
  if (serverPrograms() === undefined) giveUp();
}

/** Says which tests will be skipped where their programs cannot be installed. */
export function ensureTestPrograms() {
  const missing = TEST_PACKAGES.filter(({ program }) => !onPath(program));
  if (missing.length === 0) return;
  if (canInstall()) return install(missing.map(({ name }) => name));
  for (const { name, program, tests } of missing) {
    console.error(
      `setup: there is no ${program}, and the ${tests} tests are skipped; it is in the package ${name}`,
    );
  }
}

/** The directory of the server programs. */
export function serverPrograms() {
  const named = process.env['PGREPL_BINDIR'];
  const candidates = [...(named ? [named] : []), ...pathDirectories(), ...packaged()];
  return candidates.find((directory) => PROGRAMS.every((program) => isProgram(join(directory, program))));
}

function packaged() {
  const debian = entries('/usr/lib/postgresql').map((major) => `/usr/lib/postgresql/${major}/bin`);
  const redHat = entries('/usr').filter((name) => name.startsWith('pgsql-'));
  return [...debian, ...redHat.map((name) => `/usr/${name}/bin`), '/usr/local/pgsql/bin'];
}

function entries(directory) {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function pathDirectories() {
  return (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
}

function onPath(program) {
  return [...pathDirectories(), '/usr/sbin', '/usr/bin'].some((directory) =>
    isProgram(join(directory, program)),
  );
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canInstall() {
  return existsSync('/etc/debian_version') && onPath('apt-get') && process.getuid?.() === 0;
}

function install(packages) {
  noMainCluster();
  console.error(`setup: installing ${packages.join(', ')}`);
  apt(['update']);
  apt(['install', '-y', '--no-install-recommends', ...packages]);
}

/** The package would create and start a server of its own on port 5432. */
function noMainCluster() {
  if (existsSync(CREATE_CLUSTER) || onPath('pg_createcluster')) return;
  mkdirSync(dirname(CREATE_CLUSTER), { recursive: true });
  // The second line is the package's own: without it conf.d would be read by nobody.
  writeFileSync(CREATE_CLUSTER, "create_main_cluster = false\nadd_include_dir = 'conf.d'\n");
}

function apt(words) {
  // The configuration file above is kept: UCF asks nothing without a terminal.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' };
  const { status, error, stdout, stderr } = spawnSync('apt-get', ['-qq', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  console.error(`${stdout ?? ''}${stderr ?? ''}`.trim());
  console.error(`setup: apt-get ${words.join(' ')} failed${error ? `: ${error.message}` : ''}`);
  process.exit(2);
}

function giveUp() {
  console.error(
    `setup: PostgreSQL's programs (${PROGRAMS.join(', ')}) were not found; ` +
      'install the server package of your system (Debian: postgresql, Red Hat: postgresql-server, Homebrew: postgresql), ' +
      'or name their directory in PGREPL_BINDIR',
  );
  process.exit(2);
}
