import { has, majorOf, type ServerVersion } from '../../cluster/version.ts';
import type { Place } from '../../facts/state.ts';
import { conninfo } from '../../render/conninfo.ts';
import { start } from '../../tools/service.ts';
import { COPY, INSTALL, MAKE_STAGING, MOVE_ASIDE } from '../../tools/staging.ts';
import { script, WITH_PASSWORD } from '../../tools/shell.ts';
import type { Text } from '../../tools/words.ts';
import { proof, stopFirst, type CloneRequest } from './cloneRequest.ts';
import { configSteps, debianSteps, type Copy } from './copyConfig.ts';
import { bindirFor } from './copyGates.ts';
import { ownerSteps, portOf } from '../create.ts';
import { earlierCopySteps, nameOfCopy } from './earlierCopy.ts';
import type { Plan, Step } from '../plan.ts';
import type { Source } from '../source.ts';
import { builtInSocketDir, copy, futureSocket, ownerOf, run, service, type Seen } from '../steps.ts';
import { LONG, removeStaging, undoCopySteps } from './undoCopy.ts';
import { undoSlotSteps, upstreamSlotSteps } from '../upstreamSlot.ts';

/** Servers before 12 take wal_sender_timeout from their files alone. */
const SENDER_TIMEOUT_BY_SESSION = 120000 as ServerVersion;

/** The steps of a copy, and what takes back those before the old directory is touched. */
export function copySteps(input: Copy): Pick<Plan, 'steps' | 'undo' | 'pointOfNoReturn'> {
  const { found, request, source } = input;
  const { staging } = found.place;
  const slot = { found, link: request.link, upstream: request.upstream, source };
  const before: readonly Step[] = [
    ...ownerSteps(found),
    ...earlierCopySteps(found, request, source),
    ...leftoverSteps(found),
    run(
      found.node,
      'a place beside the target',
      script(MAKE_STAGING, 'staging', staging, String(portOf(request.node)), ...outside(request, source)),
    ),
    ...upstreamSlotSteps(slot),
    copy(found.node, `copy ${request.upstream}`, backupArgv(input), passwordInput(request)),
    ...configSteps(input, `${staging}/data`),
  ];
  return {
    steps: [...before, ...realSteps(input)],
    undo: [...undoCopySteps(found, source), ...undoSlotSteps(slot)],
    pointOfNoReturn: before.length,
  };
}

/** What an earlier run left of a copy that came to nothing. */
export function leftoverSteps(found: Seen): readonly Step[] {
  return found.place.staged ? [removeStaging(found, 'remove what an earlier run left half made')] : [];
}

export function installStep(found: Seen): Step {
  const { staging, real } = found.place;
  return run(found.node, 'it becomes real', script(INSTALL, 'install', staging, real), LONG);
}

function realSteps(input: Copy): readonly Step[] {
  const { found, request } = input;
  const machine = machineFor(input);
  const future = futureSocket({ ...found, machine }, portOf(request.node), builtInSocketDir(found));
  const socket = { ...future, user: superuserFor(input) };
  return [
    ...stopFirst(found),
    ...asideSteps(input),
    installStep(found),
    ...debianSteps(input),
    service(found.node, 'start the standby', start(machine, placeAfter(input))),
    proof(found, request, socket, true),
  ];
}

/** The copy has the roles of the upstream: the owner's own name where it is one, as peer wants it. */
function superuserFor({ found, request, source }: Copy): string {
  const owner = ownerOf(found);
  const known = source.superusers ?? [];
  return request.node.superuser ?? (known.includes(owner) ? owner : (known[0] ?? owner));
}

function asideSteps({ found, aside }: Copy): readonly Step[] {
  if (aside === undefined) return [];
  const { real } = found.place;
  const how = aside.startsWith(`${real}/`) ? 'inside' : 'beside';
  const why = 'move the old directory aside';
  return [run(found.node, why, script(MOVE_ASIDE, 'aside', real, aside, how), LONG)];
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

/** Every directory that pg_basebackup fills beside its own: it takes none of them back when it fails. */
function outside(request: CloneRequest, source: Source): readonly string[] {
  const spaces = (source.tablespaces ?? []).map(({ location }) => request.tablespaces[location] ?? location);
  const waldir = request.waldir === undefined ? [] : [request.waldir];
  return [...new Set([...spaces, ...Object.values(request.tablespaces), ...waldir])];
}

function connection(request: CloneRequest, source: Source): string {
  const { host, port, role } = request.link;
  return conninfo({
    host,
    port: String(port),
    user: role,
    application_name: nameOfCopy(request.node),
    connect_timeout: '10',
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
    options: sessionOptions(source.version),
  });
}

/**
 * A target whose disk is slow must not lose its copy for it; and one whose host has died must not hold the slot for
 * the two hours that a kernel gives a silent connection.
 */
function sessionOptions(version: ServerVersion): string {
  const patient = has(version, SENDER_TIMEOUT_BY_SESSION) ? ['-c wal_sender_timeout=0'] : [];
  const keepalives = { idle: 30, interval: 10, count: 6 };
  const watchful = Object.entries(keepalives).map(([name, value]) => `-c tcp_keepalives_${name}=${value}`);
  return [...patient, ...watchful].join(' ');
}

function passwordInput(request: CloneRequest): { stdin?: Text } {
  return request.link.password === undefined ? {} : { stdin: [request.link.password, '\n'] };
}

/**
 * No fsync of each file: the file system is synced while the copy goes on, and once more before the rename, which is
 * quicker and as safe.
 */
function backupArgv({ found, request, source }: Copy): readonly string[] {
  const argv = [
    found.machine.programs.pg_basebackup ?? 'pg_basebackup',
    ...['-D', `${found.place.staging}/data`, '-d', connection(request, source)],
    ...['-X', 'stream', '-c', 'fast', '-S', request.link.slot, '-w', '-P', '-v', '--no-sync'],
    ...(request.waldir === undefined ? [] : [`--waldir=${request.waldir}`]),
    ...Object.entries(request.tablespaces).flatMap(([from, to]) => [
      '-T',
      `${escapeMapping(from)}=${escapeMapping(to)}`,
    ]),
    ...(request.maxRate === undefined ? [] : [`--max-rate=${request.maxRate}`]),
  ];
  const words = script(COPY, 'copy', found.place.staging, ...argv);
  return request.link.password === undefined ? words : script(WITH_PASSWORD, 'with-password', ...words);
}

/** An equals sign in a directory's name is escaped (pg_basebackup.c, tablespace_list_append). */
function escapeMapping(path: string): string {
  return path.replaceAll('=', '\\=');
}
