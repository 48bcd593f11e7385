// What npm scripts need before they run: dependencies, the build, PostgreSQL. Silent when all is there.
//   --build-only   dependencies and build
//   --tests        also what only the tests need
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.js';
import { ensurePostgres, ensureTestPrograms } from './postgres.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK = join(ROOT, 'package-lock.json');
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.pgrepl-stamp');
/** npm's own note of what it installed. */
const INSTALLED = join(MODULES, '.package-lock.json');

const flags = process.argv.slice(2);
const unknown = flags.find((flag) => !['--build-only', '--tests'].includes(flag));
if (unknown !== undefined) {
  console.error(`setup: there is no ${unknown}; there are --build-only and --tests`);
  process.exit(2);
}

ensureDependencies();
await build();
if (!flags.includes('--build-only')) ensurePostgres();
if (flags.includes('--tests')) ensureTestPrograms();

function ensureDependencies() {
  const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  if (!installedAfterLock()) installDependencies();
  writeFileSync(STAMP, wanted);
}

/** Somebody ran npm install by hand. */
function installedAfterLock() {
  return existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(LOCK).mtimeMs;
}

function installDependencies() {
  console.error('setup: installing dependencies');
  const words = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', words, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0) return;
  console.error('setup: npm ci failed');
  process.exit(2);
}
