import type { Node } from '../cluster/types.ts';
import { ofMajor, type ServerVersion } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import type { NodeState, Place } from '../facts/state.ts';
import { ownFile } from '../render/conf.ts';
import { withBlock } from '../render/hba.ts';
import type { Socket } from '../tools/psql.ts';
import { ADD_INCLUDE } from '../tools/config.ts';
import { INSTALL, MAKE_STAGING, REMOVE_STAGING } from '../tools/staging.ts';
import { script } from '../tools/shell.ts';
import type { Step } from './plan.ts';
import { copy, futureSocket, ownerOf, run, write } from './steps.ts';
import type { Want } from './wants.ts';

type Empty = Extract<NodeState, { is: 'empty' }>;

export const DEFAULT_PORT = 5432;

export function portOf(node: Node): number {
  return node.port ?? DEFAULT_PORT;
}

/** What a new cluster's pg_hba.conf says: the owner by the socket, everybody else with a password. */
export const NEW_HBA = `# PostgreSQL client authentication: the first record that matches decides.
local   all   all                  peer
host    all   all   127.0.0.1/32   scram-sha-256
host    all   all   ::1/128        scram-sha-256
`;

function majorToCreate(found: Empty, node: Node): number | undefined {
  return node.debian?.major ?? found.machine.major;
}

export function whyNotCreated(found: Empty, node: Node): readonly Problem[] {
  const port = portOf(node);
  const { machine, place } = found;
  return [
    ...(machine.programs.initdb === undefined && !usesCreateCluster(found)
      ? [
          {
            message: `${found.node}: no initdb is there${node.bindir === undefined ? '' : ` in ${node.bindir}`}`,
            hint: 'Install the PostgreSQL server, or name its programs with --bindir.',
          },
        ]
      : []),
    ...otherSuperuser(found, node),
    ...(place.listening.includes(port)
      ? [
          {
            message: `${found.node}: port ${port} is taken`,
            hint: 'Name another port with --port, or stop who listens there.',
          },
        ]
      : []),
    ...diskTooSmall(found),
    ...placeProblems(found),
  ];
}

/** What initdb writes, 40 MB in 15, and a segment for what comes next. Where it is not known how much is free: 0. */
const NEEDED_MB = 64;

function diskTooSmall({ node, place: { pgdata, freeBytes } }: Empty): readonly Problem[] {
  const free = Math.floor(freeBytes / 1024 ** 2);
  if (freeBytes === 0 || free >= NEEDED_MB) return [];
  return [
    {
      message: `${node}: ${NEEDED_MB} MB are needed for a new cluster, and ${free} MB are free for ${pgdata}`,
      hint: 'Make room, or name a directory on a larger disk.',
    },
  ];
}

/** It could not log in as another one by peer, and who wants a map in pg_ident.conf writes it. */
function otherSuperuser(found: Empty, node: Node): readonly Problem[] {
  const owner = ownerOf(found);
  if (node.superuser === undefined || node.superuser === owner) return [];
  return [
    {
      message: `${found.node}: no server is there yet, and the superuser of a new one is ${owner}, not ${node.superuser}`,
      hint: `Leave superuser out, or make the cluster yourself (initdb -U ${node.superuser}) and run this again: it is adopted.`,
    },
  ];
}

/** Whether the directory can be made where it is wanted. */
export function placeProblems(found: Extract<NodeState, { place: Place }>): readonly Problem[] {
  const { place, machine } = found;
  const owner = machine.become ?? machine.login;
  return [
    ...place.obstacles.map((path) => ({
      message: `${found.node}: ${path} is in the way: it has the name of our staging directory and was not made by pgrepl`,
      hint: 'Move it away.',
    })),
    ...(place.creatable || (place.exists && !place.foreignOwner) || machine.login === 'root'
      ? []
      : [
          {
            message: `${found.node}: ${owner} may not create ${place.pgdata}`,
            hint: `Create the directory for ${owner}, or run it as root.`,
          },
        ]),
  ];
}

/** Root or the owner: pg_createcluster gives a cluster to who calls it, or to postgres. */
function usesCreateCluster(found: Empty): boolean {
  return found.place.service.by === 'pg_ctlcluster';
}

/** The directory for the owner, where only root can make or give it. */
export function ownerSteps(found: Extract<NodeState, { place: Place }>): readonly Step[] {
  const { place, machine } = found;
  const needed = place.foreignOwner || (!place.creatable && !place.exists);
  if (!needed || machine.login !== 'root') return [];
  const owner = machine.become ?? machine.login;
  return [
    run(found.node, `a directory for ${owner}`, ['install', '-d', '-o', owner, '-m', '0700', place.real], {
      asLogin: true,
    }),
  ];
}

export function createSteps(input: {
  found: Empty;
  node: Node;
  rules: readonly string[];
  wants: (version: ServerVersion) => readonly Want[];
  waldir?: string;
}): {
  steps: readonly Step[];
  socket: Socket;
  place: Place;
  version: ServerVersion;
  notes: readonly string[];
} {
  const { found, node } = input;
  const version = ofMajor(majorToCreate(found, node) ?? 15);
  const wants = input.wants(version).filter((want) => !isDefault(want));
  const port = portOf(node);
  const notes = wants.map(({ name, value, why }) => `${found.node}: ${name} = ${value}: ${why}`);
  const settings = Object.fromEntries(wants.map(({ name, value }) => [name, value]));
  const hba = withBlock(NEW_HBA, input.rules);
  return usesCreateCluster(found)
    ? { ...debian(found, settings, hba, port, input.waldir), version, notes }
    : { ...plain(found, settings, hba, port, input.waldir), version, notes };
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

type Made = { steps: readonly Step[]; socket: Socket; place: Place };

function plain(
  found: Empty,
  settings: Readonly<Record<string, string>>,
  hba: string,
  port: number,
  waldir: string | undefined,
): Made {
  const { node, place, machine } = found;
  const data = `${place.staging}/data`;
  const socketDir = place.socketDirs[0] ?? '/tmp';
  const own = { ...settings, port: String(port), unix_socket_directories: socketDir };
  const initdb = [
    machine.programs.initdb ?? 'initdb',
    ...[
      '-D',
      data,
      '--encoding=UTF8',
      '--data-checksums',
      '--auth-local=peer',
      '--auth-host=scram-sha-256',
      '--no-sync',
    ],
    ...(waldir === undefined ? [] : [`--waldir=${waldir}`]),
  ];
  const steps = [
    ...ownerSteps(found),
    ...(place.staged
      ? [
          run(
            node,
            'remove a half-made cluster of an earlier run',
            script(REMOVE_STAGING, 'remove', place.staging),
            { seconds: 600 },
          ),
        ]
      : []),
    run(node, 'a place beside the target', script(MAKE_STAGING, 'staging', place.staging, '')),
    copy(node, 'create the cluster', initdb),
    write(node, 'the settings replication needs', `${data}/pgrepl.conf`, [ownFile(own)], '0600'),
    run(
      node,
      'postgresql.conf includes them',
      script(ADD_INCLUDE, 'include', `${data}/postgresql.conf`, 'pgrepl.conf'),
    ),
    write(node, 'who may connect', `${data}/pg_hba.conf`, [hba], '0600'),
    run(node, 'it becomes real', script(INSTALL, 'install', place.staging, place.real), { seconds: 600 }),
  ];
  return { steps, socket: futureSocket(found, port, socketDir), place };
}

function debian(
  found: Empty,
  settings: Readonly<Record<string, string>>,
  hba: string,
  port: number,
  waldir: string | undefined,
): Made {
  const { node, place } = found;
  if (place.service.by !== 'pg_ctlcluster')
    return { steps: [], socket: futureSocket(found, port, '/var/run/postgresql'), place };
  const { major, cluster } = place.service.name;
  const dir = `/etc/postgresql/${major}/${cluster}`;
  const create = [
    ...['pg_createcluster', '--port', String(port), '-d', place.pgdata, String(major), cluster],
    ...['--', '--encoding=UTF8', '--data-checksums', '--auth-local=peer', '--auth-host=scram-sha-256'],
    ...(waldir === undefined ? [] : [`--waldir=${waldir}`]),
  ];
  const steps = [
    run(node, 'create the cluster', create, {
      seconds: 600,
      ...(found.machine.login === 'root' ? { asLogin: true } : {}),
    }),
    write(
      node,
      'the settings replication needs',
      `${dir}/conf.d/99-pgrepl.conf`,
      [ownFile(settings)],
      '0644',
    ),
    run(
      node,
      'postgresql.conf includes them',
      script(ADD_INCLUDE, 'include', `${dir}/postgresql.conf`, 'conf.d/99-pgrepl.conf'),
    ),
    write(node, 'who may connect', `${dir}/pg_hba.conf`, [hba], 'keep'),
  ];
  return { steps, socket: futureSocket(found, port, '/var/run/postgresql'), place };
}
