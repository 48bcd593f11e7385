// A Docker engine: the one that answers, else Debian's, started here and stopped in the end.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, LAB_DIR, pause, run } from './place.js';

const PROGRAMS = {
  docker: 'docker.io',
  mmdebstrap: 'mmdebstrap',
  iptables: 'iptables',
  ip: 'iproute2',
  ssh: 'openssh-client',
};
/** Only where no engine answers: the program `docker` may be another one, or alone. */
const ENGINE = { dockerd: 'docker.io' };
const SOCKET = `unix://${join(LAB_DIR, 'docker.sock')}`;
const LOG = join(LAB_DIR, 'dockerd.log');

/** `missing` says why there is none; else `env` reaches it, `sweep` removes what runs left, `stop` ends ours. */
export async function ensureDocker() {
  if (process.platform !== 'linux') return { missing: 'the lab needs Linux' };
  if (process.getuid?.() !== 0) return { missing: 'the lab needs root' };
  const missing = ensurePackages(PROGRAMS);
  if (missing !== undefined) return { missing };
  for (const env of [process.env, { ...process.env, DOCKER_HOST: SOCKET }])
    if (answers(env)) return engine(env, undefined);
  const without = ensurePackages(ENGINE);
  return without === undefined ? startEngine() : { missing: without };
}

function ensurePackages(programs) {
  const wanted = Object.entries(programs).filter(([program]) => !onPath(program));
  if (wanted.length === 0) return undefined;
  const names = wanted.map(([, name]) => name);
  if (!existsSync('/etc/debian_version')) return `these are missing: ${names.join(', ')}`;
  console.error(`hosts: installing ${names.join(', ')}`);
  // No engine is started by the package: ours is another one, and it ends with the run.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = ['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300'];
  const install = [...apt, 'install', '-y', '--no-install-recommends', ...names];
  if (run(install, { env, seconds: 400 }).ok) return undefined;
  run([...apt, 'update'], { env, seconds: 200 });
  const { ok, said } = run(install, { env, seconds: 400 });
  return ok ? undefined : `apt-get install ${names.join(' ')} failed: ${said.slice(-300)}`;
}

function onPath(program) {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin'].some((dir) =>
    existsSync(join(dir, program)),
  );
}

function answers(env) {
  return run(['docker', 'version', '--format', '{{.Server.Version}}'], { env, seconds: 20 }).ok;
}

async function startEngine() {
  const out = openSync(LOG, 'a');
  const words = ['--data-root', join(LAB_DIR, 'docker'), '--exec-root', join(LAB_DIR, 'run')];
  words.push('--pidfile', join(LAB_DIR, 'dockerd.pid'), '-H', SOCKET, '--bridge', 'none');
  const daemon = spawn('dockerd', words, { detached: true, stdio: ['ignore', out, out] });
  let failed;
  daemon.once('error', (error) => (failed = error.message));
  daemon.unref();
  const env = { ...process.env, DOCKER_HOST: SOCKET };
  const deadline = Date.now() + 60_000;
  while (failed === undefined && daemon.exitCode === null && Date.now() < deadline) {
    if (answers(env)) return engine(env, daemon);
    await pause(200);
  }
  if (daemon.exitCode === null && failed === undefined) daemon.kill();
  const last = existsSync(LOG) ? readFileSync(LOG, 'utf8').trim().split('\n').slice(-3).join(' / ') : '';
  return { missing: `dockerd does not start (${failed ?? last}); ${LOG} has all of it` };
}

function engine(env, daemon) {
  const stop = async () => {
    if (daemon === undefined || daemon.exitCode !== null) return;
    // Another run may have found it in the meantime.
    if (run(['docker', 'ps', '-q'], { env, seconds: 20 }).stdout.trim() !== '') return;
    daemon.kill('SIGTERM');
    const deadline = Date.now() + 30_000;
    while (daemon.exitCode === null && daemon.signalCode === null && Date.now() < deadline) await pause(100);
  };
  return { env, stop, sweep: (own) => sweep(env, own) };
}

/** Containers and networks of this run, or of runs that are no more. */
function sweep(env, own) {
  const gone = (run) => (own === undefined ? !isAlive(run) : run === own);
  const listed = (words) =>
    run(['docker', ...words, '--filter', 'label=pgrepl-lab', '--format', '{{.ID}} {{.Label "pgrepl-lab"}}'], {
      env,
    })
      .stdout.split('\n')
      .map((line) => line.split(' '))
      .filter(([id, run]) => id && gone(run))
      .map(([id]) => id);
  const containers = listed(['ps', '-a']);
  if (containers.length > 0) run(['docker', 'rm', '-f', '-v', ...containers], { env });
  const networks = listed(['network', 'ls']);
  if (networks.length > 0) run(['docker', 'network', 'rm', ...networks], { env });
}
