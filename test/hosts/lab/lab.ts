import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { clusterOf, type NodeSpec, type TheCluster } from './cluster.ts';
import { docker, figure, made, MISSING, program } from './env.ts';
import { hostOf, type Host, type Spec } from './host.ts';
import { labKeys, type Keys } from './keys.ts';

export type Lab = {
  story: string;
  dir: string;
  /** What happened so far, shown where the story fails. */
  said: string[];
  keys: Keys;
  host: (name: string, spec?: Spec) => Promise<Host>;
  /** A cluster file over hosts; a node without an upstream is the primary. */
  cluster: (nodes: Readonly<Record<string, NodeSpec>>) => TheCluster;
  /** Numbers for docs/reliability.md. */
  figure: (numbers: Readonly<Record<string, number | string>>) => void;
};

if (MISSING !== undefined) console.error(`stories of several hosts are skipped: ${MISSING}`);

/** A story has a network of its own, with its machines in it, and leaves nothing. */
export function story(
  title: string,
  tell: (lab: Lab) => Promise<unknown>,
  { seconds = 400 }: { seconds?: number } = {},
): void {
  test.skipIf(MISSING !== undefined)(
    title,
    async () => {
      const { lab, close } = await openLab(title);
      try {
        await tell(lab);
        if (process.env['PGREPL_LAB_TELL'] === '1') console.error(`${title}\n${lab.said.join('\n')}`);
      } catch (error) {
        console.error(`${title}: what happened\n${lab.said.slice(-40).join('\n')}`);
        if (process.env['PGREPL_LAB_KEEP'] === '1') console.error(`kept: ${lab.dir}`);
        throw error;
      } finally {
        if (process.env['PGREPL_LAB_KEEP'] !== '1') await close();
      }
    },
    seconds * 1000,
  );
}

async function openLab(title: string): Promise<{ lab: Lab; close: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'pgrepl-lab-'));
  // Stories of other workers make theirs at the same time.
  const keys = labKeys(join(made().dir, `keys-${process.env['VITEST_POOL_ID'] ?? '1'}`));
  const net = await network();
  const hosts: Host[] = [];
  const said: string[] = [];
  let next = 10;
  const lab: Lab = {
    story: title,
    dir,
    said,
    keys,
    host: async (name, spec = {}) => {
      const host = await newHost(net, next++, name, spec, keys);
      hosts.push(host);
      figure(title, { hosts: 1 });
      return host;
    },
    cluster: (nodes) => clusterOf(lab, nodes),
    figure: (numbers) => figure(title, numbers),
  };
  const close = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => leave(host, keys)));
    await program(['docker', 'network', 'rm', net.name]);
    rmSync(dir, { recursive: true, force: true });
  };
  return { lab, close };
}

type Network = { name: string; prefix: string };

/** An address range of its own, so that a host keeps its address through everything that happens to it. */
async function network(): Promise<Network> {
  const taken = (await program(['ip', '-o', '-4', 'addr'])).stdout;
  let because = '';
  for (let tries = 0; tries < 30; tries += 1) {
    const prefix = `10.213.${Math.floor(Math.random() * 254)}`;
    if (taken.includes(` ${prefix}.`)) continue;
    const name = `pgrepl-lab-${made().run}-${prefix.slice(7)}`;
    const label = `pgrepl-lab=${made().run}`;
    const words = ['network', 'create', '--label', label, '--subnet', `${prefix}.0/24`, name];
    const { code, stderr } = await program(['docker', ...words]);
    if (code === 0) return { name, prefix };
    because = stderr;
  }
  throw new Error(`no network could be made: ${because}`);
}

/** It makes cgroups in a name space of its own, and mounts what it needs. */
const SYSTEMD = {
  options: [
    ...['--cap-add', 'SYS_ADMIN', '--cgroupns', 'private', '-e', 'container=docker'],
    ...['--tmpfs', '/run', '--tmpfs', '/run/lock', '--tmpfs', '/tmp'],
  ],
  argv: [
    'sh',
    '-c',
    `cd /etc/systemd/system; mkdir -p multi-user.target.wants; cp /lab/lab.service .
ln -sf ../lab.service multi-user.target.wants; ln -sf /dev/null ssh.service; exec /sbin/init`,
  ],
};

async function newHost(net: Network, at: number, name: string, spec: Spec, keys: Keys): Promise<Host> {
  const { images, releases, run } = made();
  const { via = 'ssh', login = 'postgres', tmpfs = {} } = spec;
  const image =
    spec.image ?? Object.keys(releases).find((each) => releases[each]?.debian === (spec.debian ?? 12)) ?? '';
  const release = releases[image];
  if (release === undefined)
    throw new Error(
      `there is no image ${image || `of Debian ${spec.debian ?? 12}`}: NEEDS in scripts/hosts.js`,
    );
  const container = `${net.name}-${name}`;
  const address = `${net.prefix}.${at}`;
  const options = ['-d', '--restart', 'no', '--label', `pgrepl-lab=${run}`, '--name', container];
  options.push('--hostname', name, '--network', net.name, '--ip', address, '-v', `${keys.dir}:/lab:ro`);
  for (const [path, size] of Object.entries(tmpfs)) options.push('--tmpfs', `${path}:size=${size}`);
  const boot = release.systemd ? SYSTEMD : { options: ['--init'], argv: ['sh', '/lab/boot', via] };
  await docker(['run', ...options, ...boot.options, images[image] ?? '', ...boot.argv]);
  const host = hostOf({ name, container, address, via, login, ...release, network: net.name });
  await host.heal();
  for (const path of Object.keys(tmpfs)) await host.exec(['chown', 'postgres', path], { user: 'root' });
  return host;
}

/** With the control connection that pgrepl keeps for a minute: another host may have the address next. */
async function leave(host: Host, keys: Keys): Promise<void> {
  await program(['docker', 'rm', '-f', '-v', host.container]);
  if (host.via === 'docker') return;
  const path = `/tmp/.pgrepl-ssh-${process.getuid?.() ?? 0}/%C`;
  const exit = ['-o', `ControlPath=${path}`, '-O', 'exit', `${host.login}@${host.address}`];
  await program([keys.ssh, ...exit], { seconds: 10 });
}
