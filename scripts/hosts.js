// Runs test/hosts, the stories of several machines, and ends with one line: `N passed, N failed[, N skipped]`.
//   node scripts/hosts.js                 the stories of every change
//   node scripts/hosts.js --all           all of them, on every release
//   node scripts/hosts.js pair kills      these
//   node scripts/hosts.js pair -t NAME    what begins with a hyphen goes to vitest
//   --required                            where Docker cannot run that is a failure, and no skip
// The machines are containers of images that mmdebstrap makes once, into a cache.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDocker } from './lab/docker.js';
import { ensureImages, RELEASES } from './lab/images.js';
import { LAB_DIR } from './lab/place.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STORIES = join(ROOT, 'test', 'hosts');

/** What runs without being named, the longest first, and the releases a story needs other than Debian 12. */
const DEFAULT = 'cutPrimary cut cutCopy cutStandby powerOff kills pair docker fullDisk'.split(' ');
const NEEDS = {
  releases: ['bullseye', 'bookworm', 'trixie', 'forky'],
  units: ['units'],
  collation: ['bookworm', 'trixie15'],
};

const { names, flags, passed } = parse(process.argv.slice(2));
process.exitCode = await main();

function parse(words) {
  const own = ['--all', '--required'];
  const flags = words.filter((word) => own.includes(word));
  const rest = words.filter((word) => !own.includes(word));
  const first = rest.findIndex((word) => word.startsWith('-'));
  const named = first < 0 ? rest : rest.slice(0, first);
  const known = readdirSync(STORIES).flatMap((file) => /^(.*)\.test\.ts$/.exec(file)?.slice(1) ?? []);
  const missing = named.find((name) => !known.includes(name));
  if (missing !== undefined) {
    console.error(`hosts: there is no story ${missing}; there are ${known.join(', ')}`);
    process.exit(2);
  }
  const names = named.length > 0 ? named : flags.includes('--all') ? known : DEFAULT;
  return { names, flags, passed: first < 0 ? [] : rest.slice(first) };
}

async function main() {
  const suites = [...new Set(names.flatMap((name) => NEEDS[name] ?? ['bookworm']))];
  const docker = await ensureDocker();
  if (docker.missing !== undefined) return without(docker.missing);
  try {
    docker.sweep();
    const images = await ensureImages(suites, docker.env);
    if (images.missing !== undefined) return without(images.missing);
    const releases = Object.fromEntries(suites.map((suite) => [suite, RELEASES[suite]]));
    return run({ run: String(process.pid), dir: LAB_DIR, images: images.tags, releases }, docker.env);
  } finally {
    if (process.env['PGREPL_LAB_KEEP'] !== '1') docker.sweep(String(process.pid));
    await docker.stop();
  }
}

function without(why) {
  console.error(`hosts: the stories are skipped: ${why}`);
  if (!flags.includes('--required')) return vitest({ PGREPL_LAB_MISSING: why });
  console.log('0 passed, 1 failed');
  return 1;
}

function run(lab, env) {
  const figures = join(LAB_DIR, `figures-${lab.run}.jsonl`);
  const status = vitest({ ...env, PGREPL_LAB: JSON.stringify({ ...lab, figures }) });
  tellFigures(figures);
  return status;
}

/** scripts/test.js says the closing line. */
function vitest(env) {
  const files = names.map((name) => `hosts/${name}.test.ts`);
  // The machines of a story wait most of the time.
  const words = [...files, '--maxWorkers=4', ...passed];
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'test.js'), ...words], {
    cwd: ROOT,
    env: { ...process.env, ...env, PGREPL_ORDER: names.join(' ') },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status ?? 1;
}

function tellFigures(path) {
  if (!existsSync(path)) return;
  const all = readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const sum = (name) => all.reduce((total, each) => total + (each[name] ?? 0), 0);
  const told = [
    ...[`stories ${new Set(all.map(({ story }) => story)).size}`, `hosts ${sum('hosts')}`],
    ...[`verbs ${sum('verbs')}`, `kills ${sum('kills')}`, `partitions ${sum('partitions')}`],
    ...[`rows acknowledged ${sum('rows')}`, `rows lost ${sum('lost')}`],
  ];
  console.log(`hosts: ${told.join(', ')}`);
  rmSync(path);
}
