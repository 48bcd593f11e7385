// The images: a Debian release with its PostgreSQL, sshd and sudo, made once from Debian's mirror. No registry.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, LAB_DIR, pause, run } from './place.js';

const MIRROR = process.env['PGREPL_LAB_MIRROR'] ?? 'http://deb.debian.org/debian';
const SECURITY = process.env['PGREPL_LAB_SECURITY'] ?? 'http://deb.debian.org/debian-security';

/** forky is testing. trixie15 is a machine of Debian 13 with the PostgreSQL of Debian 12: one major, two sets of collations. */
export const RELEASES = {
  bullseye: { debian: 11, major: 13, suite: 'bullseye', also: [`${SECURITY} bullseye-security`], more: [] },
  bookworm: { debian: 12, major: 15, suite: 'bookworm', also: [], more: ['postgresql-15-repmgr'] },
  // systemd is its process 1, and starts the servers.
  units: { debian: 12, major: 15, systemd: true, suite: 'bookworm', also: [], more: ['systemd-sysv'] },
  trixie: { debian: 13, major: 17, suite: 'trixie', also: [], more: [] },
  forky: {
    debian: 14,
    major: 18,
    suite: 'forky',
    also: [],
    more: [],
    apt: ['Acquire::Check-Valid-Until "false"'],
  },
  trixie15: { debian: 13, major: 15, suite: 'trixie', also: [`${MIRROR} bookworm`], more: [] },
};

/** The tag of each image, all of them there; `missing` says why one is not. Two are made at a time. */
export async function ensureImages(names, env) {
  const tags = {};
  const queue = [...names];
  const problems = [];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      try {
        tags[name] = await ensureImage(name, env);
      } catch (error) {
        problems.push(`${name}: ${error.message}`);
      }
    }
  };
  await Promise.all([work(), work()]);
  return problems.length > 0 ? { missing: problems.join('; ') } : { tags };
}

async function ensureImage(name, env) {
  const release = RELEASES[name];
  const recipe = recipeOf(release);
  const hash = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 8);
  const tag = `pgrepl-lab:${name}-${hash}`;
  const isThere = () => run(['docker', 'image', 'inspect', tag], { env }).ok;
  if (isThere()) return tag;
  const unlock = await locked(join(LAB_DIR, `${name}-${hash}.lock`));
  try {
    if (!isThere()) await make(name, tag, recipe, join(LAB_DIR, `${name}-${hash}.tar`), env);
    return tag;
  } finally {
    unlock();
  }
}

function recipeOf({ suite, major, also, more, apt = [] }) {
  const packages = ['openssh-server', 'sudo', 'procps', 'locales', `postgresql-${major}`, ...more];
  const hidden = ['doc', 'man', 'locale', 'info'].map((dir) => `--dpkgopt=path-exclude=/usr/share/${dir}/*`);
  const config = '/etc/postgresql-common/createcluster.d';
  return [
    ...['--mode=root', '--variant=apt', '--components=main', `--include=${packages.join(',')}`],
    // A mirror of the testing release may be a few days late.
    ...apt.map((option) => `--aptopt=${option}`),
    ...['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'],
    ...apt.map((option) => `--aptopt=${option}`),
    ...['--aptopt=Acquire::Retries "3"', '--dpkgopt=force-unsafe-io', ...hidden],
    `--essential-hook=mkdir -p "$1${config}" && echo "create_main_cluster = false" >"$1${config}/lab.conf"`,
    // A locale that glibc sorts by, and not byte by byte: its version differs between releases.
    '--customize-hook=chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8',
    // Keys of its own for every machine would be the same in every container: sshd is given one by the lab.
    '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*',
    '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
    ...[suite, '@tar', ...[`${MIRROR} ${suite}`, ...also].map((place) => `deb ${place} main`)],
  ];
}

async function make(name, tag, recipe, tar, env) {
  const began = Date.now();
  console.error(`hosts: making the image ${tag}`);
  if (!existsSync(tar)) {
    const words = recipe.map((word) => (word === '@tar' ? `${tar}.part.tar` : word));
    await program('mmdebstrap', words, join(LAB_DIR, `${name}.log`), process.env);
    renameSync(`${tar}.part.tar`, tar);
  }
  const { ok, said } = run(['docker', 'import', tar, tag], { env, seconds: 400 });
  rmSync(tar);
  if (!ok) throw new Error(`docker import: ${said}`);
  console.error(`hosts: made ${tag} in ${Math.round((Date.now() - began) / 1000)} s`);
}

function program(name, words, log, env) {
  const out = openSync(log, 'w');
  return new Promise((resolve, reject) => {
    const child = spawn(name, words, { env, stdio: ['ignore', out, out], timeout: 900_000 });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve();
      const last = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' / ');
      reject(new Error(`${name} failed: ${last}; ${log} has all of it`));
    });
  });
}

/** A directory holds the lock, and the process that made it is named inside: a dead one's is taken over. */
async function locked(path) {
  for (;;) {
    try {
      mkdirSync(path);
      writeFileSync(join(path, 'pid'), String(process.pid));
      return () => rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = existsSync(join(path, 'pid')) ? readFileSync(join(path, 'pid'), 'utf8') : undefined;
      if (holder !== undefined && !isAlive(holder)) rmSync(path, { recursive: true, force: true });
      await pause(500);
    }
  }
}
