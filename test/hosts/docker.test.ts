import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../e2e/support/machine.ts';
import { PROGRAM, type Document } from '../e2e/support/pgrepl.ts';
import { docker, made, must, program } from './lab/env.ts';
import { story } from './lab/lab.ts';
import { pairGrows } from './lab/pair.ts';

const DOCS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');

story('a pair of containers without sshd', (lab) => pairGrows(lab, { via: 'docker', login: 'root' }));

type Compose = {
  services: Record<string, Machine>;
  networks: { demo: { ipam: { config: [{ subnet: string }] } } };
};
type Machine = { container_name: string; command: [string]; networks: { demo: { ipv4_address: string } } };

story('the demonstration of docs/containers.md', async (lab) => {
  const compose = parse(readFileSync(join(DOCS, 'examples', 'compose.yaml'), 'utf8'), {
    merge: true,
  }) as Compose;
  const label = ['--label', `pgrepl-lab=${made().run}`];
  const machines = Object.values(compose.services);
  const network = `pgrepl-lab-${made().run}-demo`;
  const [{ subnet }] = compose.networks.demo.ipam.config;
  await docker(['network', 'create', ...label, '--subnet', subnet, network]);
  try {
    for (const { container_name: name, command, networks } of machines) {
      const ip = networks.demo.ipv4_address;
      const script = command[0].replaceAll('$$', '$');
      const image = made().images['bookworm'] ?? '';
      const words = ['run', '-d', '--init', ...label, '--name', name, '--network', network, '--ip', ip];
      await docker([...words, '--entrypoint', 'sh', image, '-c', script]);
      // As the official image has it.
      await docker(['exec', name, 'install', '-d', '-o', 'postgres', '/run/postgresql']);
    }
    const pgrepl = join(lab.dir, 'pgrepl');
    writeFileSync(pgrepl, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`, { mode: 0o755 });
    const file = join(DOCS, 'examples', 'containers.yaml');
    const env = [
      `PATH=${lab.dir}:${process.env['PATH'] ?? ''}`,
      `PGREPL_CONFIG=${file}`,
      'REPLICATOR_PASSWORD=x y',
    ];
    const run = (commands: string): Promise<string> =>
      must(['env', ...env, 'sh', '-ec', commands], { seconds: 200 });
    const names = machines.map(({ container_name: name }) => name);
    const asked = (name: string, sql: string) =>
      program(['docker', 'exec', '-u', 'postgres', name, 'psql', '-XAtq', '-c', sql]);
    const acknowledged: string[] = [];
    for (const [at, commands] of blocks().entries()) {
      lab.said.push(`$ ${commands}`);
      lab.said.push(await run(commands));
      const row = `CREATE TABLE IF NOT EXISTS written (n int); INSERT INTO written VALUES (${at});`;
      const answers = await Promise.all(names.map((name) => asked(name, row)));
      if (answers.some(({ code }) => code === 0)) acknowledged.push(String(at));
    }
    expect(blocks()).toHaveLength(5);
    expect(acknowledged.length).toBeGreaterThan(2);
    const { nodes } = JSON.parse(await run('pgrepl status --json')) as Document;
    const primaries = nodes.flatMap(({ role, name }) => (role === 'primary' ? [name] : []));
    expect(primaries).toHaveLength(1);
    const takesWrites = await Promise.all(names.map((name) => asked(name, 'SELECT pg_is_in_recovery();')));
    expect(takesWrites.filter(({ stdout }) => stdout.trim() === 'f')).toHaveLength(1);
    await waitFor(
      async () =>
        (await Promise.all(names.map((name) => asked(name, 'SELECT n FROM written ORDER BY n;')))).every(
          ({ stdout }) => stdout.trim() === acknowledged.join('\n'),
        ),
      { what: 'both have every row' },
    );
    expect(JSON.parse(await run(`pgrepl switchover ${primaries[0] ?? ''} --json`))).toMatchObject({
      outcome: 'unchanged',
    });
  } finally {
    await program(['docker', 'rm', '-f', '-v', ...machines.map(({ container_name: name }) => name)]);
    await program(['docker', 'network', 'rm', network]);
  }
});

/** What people type after the containers are there. */
function blocks(): readonly string[] {
  const page = readFileSync(join(DOCS, 'containers.md'), 'utf8');
  return [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = '']) => text).slice(1);
}
