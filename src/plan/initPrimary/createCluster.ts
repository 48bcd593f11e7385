import type { DebianName, Node } from '../../cluster/types.ts';
import { ofMajor, type ServerVersion } from '../../cluster/version.ts';
import type { NodeState } from '../../facts/state.ts';
import { ownFile } from '../../render/conf.ts';
import { withBlock } from '../../render/hba.ts';
import type { Socket } from '../../tools/psql.ts';
import { script } from '../../tools/shell.ts';
import { INSTALL, MAKE_STAGING, REMOVE_STAGING } from '../../tools/staging.ts';
import { includeStep } from '../configFiles.ts';
import { NEW_HBA, ownerSteps, portOf } from '../create.ts';
import type { Step } from '../plan.ts';
import { builtInSocketDir, copy, futureSocket, run, write } from '../steps.ts';
import type { Want } from '../wants.ts';

export type Empty = Extract<NodeState, { is: 'empty' }>;

/** A new cluster on the node that was found empty; the settings that differ from those of a fresh one are noted. */
export function createSteps(input: {
  found: Empty;
  node: Node;
  rules: readonly string[];
  wants: (version: ServerVersion) => readonly Want[];
  waldir?: string;
}): {
  steps: readonly Step[];
  socket: Socket;
  version: ServerVersion;
  notes: readonly string[];
} {
  const { found, node, waldir } = input;
  const version = ofMajor(majorToCreate(found, node) ?? 15);
  const wants = input.wants(version).filter((want) => !isDefault(want));
  const made = {
    found,
    port: portOf(node),
    settings: Object.fromEntries(wants.map(({ name, value }) => [name, value])),
    hba: withBlock(NEW_HBA, input.rules),
    moreOfInitdb: waldir === undefined ? [] : [`--waldir=${waldir}`],
  };
  const { service } = found.place;
  return {
    steps: service.by === 'pg_ctlcluster' ? debianSteps(made, service.name) : plainSteps(made),
    socket: futureSocket(found, made.port, builtInSocketDir(found)),
    version,
    notes: wants.map(({ name, value, why }) => `${found.node}: ${name} = ${value}: ${why}`),
  };
}

type Made = {
  found: Empty;
  port: number;
  settings: Readonly<Record<string, string>>;
  hba: string;
  moreOfInitdb: readonly string[];
};

function majorToCreate(found: Empty, node: Node): number | undefined {
  return node.debian?.major ?? found.machine.major;
}

/** Values a new cluster has by itself. */
function isDefault(want: Want): boolean {
  const fresh: Readonly<Record<string, string>> = {
    wal_level: 'replica',
    hot_standby: 'on',
    full_page_writes: 'on',
    listen_addresses: 'localhost',
    max_wal_senders: '10',
    max_replication_slots: '10',
  };
  const value = fresh[want.name];
  return value !== undefined && want.good(value, '');
}

const INITDB = [
  ...['--encoding=UTF8', '--data-checksums'],
  ...['--auth-local=peer', '--auth-host=scram-sha-256'],
] as const;

/** By initdb in a directory beside the target, which is renamed at the end. */
function plainSteps({ found, port, settings, hba, moreOfInitdb }: Made): readonly Step[] {
  const { node, place, machine } = found;
  const data = `${place.staging}/data`;
  const own = { ...settings, port: String(port), unix_socket_directories: builtInSocketDir(found) };
  const initdb = machine.programs.initdb ?? 'initdb';
  const half = script(REMOVE_STAGING, 'remove', place.staging);
  return [
    ...ownerSteps(found),
    ...(place.staged
      ? [run(node, 'remove a half-made cluster of an earlier run', half, { seconds: 600 })]
      : []),
    run(node, 'a place beside the target', script(MAKE_STAGING, 'staging', place.staging, '')),
    copy(node, 'create the cluster', [initdb, '-D', data, ...INITDB, '--no-sync', ...moreOfInitdb]),
    write(node, 'the settings replication needs', `${data}/pgrepl.conf`, [ownFile(own)], '0600'),
    includeStep(node, `${data}/postgresql.conf`, 'pgrepl.conf'),
    write(node, 'who may connect', `${data}/pg_hba.conf`, [hba], '0600'),
    run(node, 'it becomes real', script(INSTALL, 'install', place.staging, place.real), { seconds: 600 }),
  ];
}

/** By pg_createcluster, at its place from the start: the configuration it makes names the data directory. */
function debianSteps(
  { found, port, settings, hba, moreOfInitdb }: Made,
  { major, cluster }: DebianName,
): readonly Step[] {
  const { node, place, machine } = found;
  const dir = `/etc/postgresql/${major}/${cluster}`;
  const create = ['pg_createcluster', '--port', String(port), '-d', place.pgdata, String(major), cluster];
  return [
    run(node, 'create the cluster', [...create, '--', ...INITDB, ...moreOfInitdb], {
      seconds: 600,
      ...(machine.login === 'root' ? { asLogin: true } : {}),
    }),
    write(
      node,
      'the settings replication needs',
      `${dir}/conf.d/99-pgrepl.conf`,
      [ownFile(settings)],
      '0644',
    ),
    includeStep(node, `${dir}/postgresql.conf`, 'conf.d/99-pgrepl.conf'),
    write(node, 'who may connect', `${dir}/pg_hba.conf`, [hba], 'keep'),
  ];
}
