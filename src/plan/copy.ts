import { has, majorOf, RECOVERY_IN_SETTINGS, type ServerVersion } from '../cluster/version.ts';
import { ownFile } from '../render/conf.ts';
import { conninfo } from '../render/conninfo.ts';
import {
  ADD_INCLUDE,
  DROP_SLOT,
  INSTALL,
  LEAST_CONFIG,
  MAKE_SLOT,
  MAKE_STAGING,
  MOVE_ASIDE,
  REMOVE_STAGING,
  script,
  WITH_PASSWORD,
} from '../tools/shell.ts';
import { start } from '../tools/service.ts';
import type { Place } from '../facts/state.ts';
import type { Text } from '../tools/words.ts';
import { proof, stopFirst, type CloneRequest } from './cloneRequest.ts';
import { bindirFor } from './copyGates.ts';
import { ownerSteps, portOf } from './create.ts';
import { ownPath } from './effective.ts';
import { linkFiles } from './link.ts';
import type { Plan, Step } from './plan.ts';
import type { Source } from './source.ts';
import { copy, futureSocket, run, service, write, type Seen } from './steps.ts';
import { replicationWants } from './wants.ts';

export type Copy = { found: Seen; request: CloneRequest; source: Source; aside?: string };

/** Servers before 12 take wal_sender_timeout from their files alone. */
const SENDER_TIMEOUT_BY_SESSION = 120000 as ServerVersion;

/** The steps of a copy, and what takes back those before the old directory is touched. */
export function copySteps(input: Copy): Pick<Plan, 'steps' | 'undo' | 'pointOfNoReturn'> {
  const { found, request } = input;
  const name = found.node;
  const { staging, real } = found.place;
  const data = `${staging}/data`;
  const place = placeAfter(input);
  const before: readonly Step[] = [
    ...ownerSteps(found),
    ...(found.place.staged
      ? [
          run(name, 'remove what an earlier run left half made', script(REMOVE_STAGING, 'remove', staging), {
            seconds: 3600,
          }),
        ]
      : []),
    run(name, 'a place beside the target', script(MAKE_STAGING, 'staging', staging, ...outside(request))),
    ...slotSteps(input),
    copy(name, `copy ${request.upstream}`, backupArgv(input), passwordInput(request)),
    ...configSteps(input, data),
  ];
  const after: readonly Step[] = [
    ...stopFirst(found),
    ...(input.aside === undefined
      ? []
      : [
          run(
            name,
            'move the old directory aside',
            script(
              MOVE_ASIDE,
              'aside',
              real,
              input.aside,
              input.aside.startsWith(`${real}/`) ? 'inside' : 'beside',
            ),
          ),
        ]),
    run(name, 'it becomes real', script(INSTALL, 'install', staging, real), { seconds: 3600 }),
    ...debianSteps(input),
    service(name, 'start the standby', start(machineFor(input), place)),
    proof(
      found,
      request,
      futureSocket({ ...found, machine: machineFor(input) }, portOf(request.node), socketDirFor(found)),
      true,
    ),
  ];
  return { steps: [...before, ...after], undo: undoSteps(input), pointOfNoReturn: before.length };
}

/** Programs of the upstream's major, where the host has several. */
function machineFor({ found, source }: Copy): Seen['machine'] {
  const dir = bindirFor(found, source);
  const { machine } = found;
  if (dir === undefined || machine.major === majorOf(source.version)) return machine;
  const own = (['postgres', 'pg_ctl', 'psql', 'pg_basebackup', 'pg_controldata', 'pg_rewind'] as const).map(
    (name) => [name, `${dir}/${name}`] as const,
  );
  return { ...machine, programs: { ...machine.programs, ...Object.fromEntries(own) } };
}

/** After the copy there is a configuration in the directory, whatever is not there now. */
function placeAfter({ found }: Copy): Place {
  const { files, ...rest } = found.place;
  const external = files.conf !== undefined && !files.conf.path.startsWith(`${found.place.real}/`);
  return external ? found.place : { ...rest, files: { included: [] } };
}

function outside(request: CloneRequest): readonly string[] {
  return [...Object.values(request.tablespaces), ...(request.waldir === undefined ? [] : [request.waldir])];
}

function connection(request: CloneRequest, source: Source, applicationName: string): string {
  const { host, port, role } = request.link;
  return conninfo({
    host,
    port: String(port),
    user: role,
    application_name: applicationName,
    connect_timeout: '10',
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
    // A target whose disk is slow must not lose its copy for it.
    ...(has(source.version, SENDER_TIMEOUT_BY_SESSION) ? { options: '-c wal_sender_timeout=0' } : {}),
  });
}

/** The upstream by the replication protocol, as psql is told. */
export function replicationPsql(psql: string, link: CloneRequest['link']): readonly string[] {
  const to = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    replication: 'true',
    connect_timeout: '10',
  });
  return [psql, '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-d', to];
}

function passwordInput(request: CloneRequest): { stdin?: Text } {
  return request.link.password === undefined ? {} : { stdin: [request.link.password, '\n'] };
}

/** Always a line: an empty one is no password. */
function passwordLine(request: CloneRequest): Text {
  return request.link.password === undefined ? ['\n'] : [request.link.password, '\n'];
}

/** A slot that is there and holds WAL serves; one that is lost, or holds nothing, is made anew, reserved. */
function slotSteps({ found, request, source }: Copy): readonly Step[] {
  const { slot } = request.link;
  const known = source.slots?.known.find(({ name }) => name === slot);
  if (known?.reserved === true && !known.lost) return [];
  const psql = replicationPsql(found.machine.programs.psql ?? 'psql', request.link);
  const input = { stdin: passwordLine(request) };
  const drop =
    known === undefined
      ? []
      : [
          run(
            found.node,
            `drop the slot ${slot} at ${request.upstream}: it ${known.lost ? 'is lost' : 'holds nothing'}`,
            script(DROP_SLOT, 'slot', slot, ...psql),
            input,
          ),
        ];
  return [
    ...drop,
    run(
      found.node,
      `a slot at ${request.upstream} that holds WAL from now on`,
      script(MAKE_SLOT, 'slot', slot, ...psql),
      input,
    ),
  ];
}

/** sync is left to the rename step: one syncfs is quicker than an fsync a file, and as safe before the rename. */
function backupArgv({ found, request, source }: Copy): readonly string[] {
  const program = found.machine.programs.pg_basebackup ?? 'pg_basebackup';
  const argv = [
    program,
    ...[
      '-D',
      `${found.place.staging}/data`,
      '-d',
      connection(request, source, `pgrepl_${request.node.name}`),
    ],
    ...['-X', 'stream', '-c', 'fast', '-S', request.link.slot, '-w', '-P', '-v', '--no-sync'],
    ...(request.waldir === undefined ? [] : [`--waldir=${request.waldir}`]),
    ...Object.entries(request.tablespaces).flatMap(([from, to]) => [
      '-T',
      `${escapeMapping(from)}=${escapeMapping(to)}`,
    ]),
    ...(request.maxRate === undefined ? [] : [`--max-rate=${request.maxRate}`]),
  ];
  return request.link.password === undefined ? argv : script(WITH_PASSWORD, 'with-password', ...argv);
}

/** An equals sign in a directory's name is escaped (pg_basebackup.c, tablespace_list_append). */
function escapeMapping(path: string): string {
  return path.replaceAll('=', '\\=');
}

function socketDirFor(found: Seen): string {
  return found.place.service.by === 'pg_ctlcluster'
    ? '/var/run/postgresql'
    : (found.place.socketDirs[0] ?? '/tmp');
}

/** What replication needs, the five floors at least as high as the upstream's, and what is this node's alone. */
function settings({ found, request, source }: Copy): Readonly<Record<string, string>> {
  const wants = replicationWants({
    version: source.version,
    standbys: 1,
    checksums: source.checksums ?? false,
    freeBytes: found.place.freeBytes,
    listen: ['0.0.0.0'],
  });
  const byPgCtl =
    found.place.service.by === 'pg_ctlcluster' ? {} : { unix_socket_directories: socketDirFor(found) };
  return {
    ...Object.fromEntries(wants.map(({ name, value }) => [name, value])),
    ...Object.fromEntries(Object.entries(source.floors).map(([name, value]) => [name, String(value)])),
    port: String(portOf(request.node)),
    ...byPgCtl,
  };
}

function configSteps(input: Copy, data: string): readonly Step[] {
  const { found, request, source } = input;
  const name = found.node;
  const { link } = request;
  const link_ = linkFiles(name, source.version, link, { dir: data, real: found.place.real });
  const clean = run(name, 'nothing of the upstream that is its own', [
    'rm',
    '-f',
    '--',
    ...[
      'pgrepl-start.log',
      'postmaster.opts',
      'recovery.done',
      ...(has(source.version, RECOVERY_IN_SETTINGS) ? ['recovery.conf'] : []),
    ].map((file) => `${data}/${file}`),
  ]);
  if (found.place.service.by === 'pg_ctlcluster') return [clean, ...link_];
  return [
    clean,
    run(name, 'a configuration, if the copy brought none', script(LEAST_CONFIG, 'config', data)),
    write(name, 'the settings of this node', `${data}/pgrepl.conf`, [ownFile(settings(input))], '0600'),
    run(
      name,
      'postgresql.conf includes them',
      script(ADD_INCLUDE, 'include', `${data}/postgresql.conf`, 'pgrepl.conf'),
    ),
    ...link_,
  ];
}

/** Debian's layout: the configuration is made around the data, and our file goes into conf.d. */
function debianSteps(input: Copy): readonly Step[] {
  const { found, request } = input;
  const { service: owner, files } = found.place;
  if (owner.by !== 'pg_ctlcluster') return [];
  const dir = `/etc/postgresql/${owner.name.major}/${owner.name.cluster}`;
  const path = files.conf === undefined ? `${dir}/conf.d/99-pgrepl.conf` : ownPath(found.place).path;
  const create = [
    'pg_createcluster',
    '--port',
    String(portOf(request.node)),
    '-d',
    found.place.real,
    String(owner.name.major),
    owner.name.cluster,
  ];
  return [
    ...(files.conf === undefined
      ? [run(found.node, "Debian's configuration around it", create, { asLogin: true, seconds: 600 })]
      : []),
    write(found.node, 'the settings of this node', path, [ownFile(settings(input))], '0644'),
  ];
}

function undoSteps(input: Copy): readonly Step[] {
  const { found, request, source } = input;
  const existed = source.slots?.known.some(({ name }) => name === request.link.slot) ?? false;
  const psql = replicationPsql(found.machine.programs.psql ?? 'psql', request.link);
  return [
    run(found.node, 'remove the half-made copy', script(REMOVE_STAGING, 'remove', found.place.staging), {
      seconds: 3600,
    }),
    ...(existed || source.slots === undefined
      ? []
      : [
          run(
            found.node,
            `drop the slot ${request.link.slot} again`,
            script(DROP_SLOT, 'slot', request.link.slot, ...psql),
            { stdin: passwordLine(request) },
          ),
        ]),
  ];
}
