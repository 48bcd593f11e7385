import type { Cluster, Node } from '../cluster/types.ts';
import { has, REWIND_WITHOUT_SUPERUSER, type ServerVersion } from '../cluster/version.ts';
import type { Problem } from '../errors.ts';
import type { ClusterState, ConfigFile, NodeState } from '../facts/state.ts';
import { blockRules, parseHba, ruleFor, withBlock } from '../render/hba.ts';
import { ownFile, withInclude } from '../render/conf.ts';
import { restart, start } from '../tools/service.ts';
import { ADD_INCLUDE, script } from '../tools/shell.ts';
import { sqlIdentifier, sqlLiteral, type Secret, type Text } from '../tools/words.ts';
import type { Socket } from '../tools/psql.ts';
import { createSteps, whyNotCreated } from './create.ts';
import { effective, ownPath, ownSettings, UNITS } from './effective.ts';
import { overriding, overridingFiles, pending, readAfterOurs } from './overrides.ts';
import type { Plan, Step } from './plan.ts';
import { reloadSteps } from './reload.ts';
import { ask, futureSocket, isUp, run, service, socketOf, sql, write, type Seen } from './steps.ts';
import { desiredOwn, replicationWants, type Want } from './wants.ts';

export type InitRequest = {
  node: Node;
  role: string;
  /** Addresses that standbys come from: numbers, networks, or names where nothing better is known. */
  allow: readonly string[];
  /** The password as the server may know it, and whether what the server has fits it already. */
  password?: { verifier: Secret; fits: (verifier: string) => boolean };
  restart: boolean;
  waldir?: string;
};

/** Databases a standby's role is let into: for the stream, and for what pg_rewind and a copy ask (libpq_source.c). */
const DATABASES = ['replication', 'postgres'] as const;

/**
 * Makes the node a primary that would accept a standby from each allowed address: settings, role, pg_hba.conf,
 * slots. A cluster that is there is adopted where it is; only what is missing is changed.
 */
export function planInitPrimary(cluster: Cluster, state: ClusterState, request: InitRequest): Plan {
  const title = `make ${request.node.name} a primary`;
  const found = state.nodes.find(({ node }) => node === request.node.name);
  if (found === undefined || found.is === 'unreachable') {
    return refused(
      title,
      [{ message: found?.because ?? `${request.node.name}: was not looked at`, ...hintOf(found) }],
      true,
    );
  }
  const rivals = rivalsOf(state, found);
  if (rivals.length > 0) return refused(title, rivals);
  switch (found.is) {
    case 'foreign':
      return refused(title, [notOurs(found)]);
    case 'mute':
      return refused(
        title,
        [{ message: `${found.node}: a server runs and does not answer: ${found.because}` }],
        true,
      );
    case 'standby':
      return refused(title, [
        {
          message: `${found.node}: is a standby, and a primary is to be made of it`,
          hint: `pgrepl promote ${found.node} makes a primary of a standby`,
        },
      ]);
    case 'empty':
      return planCreated(cluster, found, request, title);
    case 'stopped':
      return planStopped(cluster, state, found, request, title);
    case 'primary':
      return planAdopted(cluster, found, request, title);
  }
}

function refused(title: string, refusals: readonly Problem[], unreachable = false): Plan {
  return { title, refusals, unreachable, steps: [] };
}

function hintOf(found: NodeState | undefined): { hint?: string } {
  return found?.is === 'unreachable' && found.hint !== undefined ? { hint: found.hint } : {};
}

export function notOurs(found: Extract<NodeState, { is: 'foreign' }>): Problem {
  const some = found.found.slice(0, 3).join(', ');
  return {
    message: `${found.node}: ${found.place.pgdata} is not empty and no data directory: ${some}${found.found.length > 3 ? ', …' : ''} is there`,
    hint: 'Name another directory with --pgdata, or move what is there away.',
  };
}

/** Another primary, or a successor of this one: a second writable server is what must never be made. */
function rivalsOf(state: ClusterState, found: Seen): readonly Problem[] {
  if (found.is === 'primary') return [];
  const mine = found.is === 'stopped' ? found.control?.systemIdentifier : undefined;
  return state.nodes.flatMap((other) => {
    if (other.node === found.node || other.is !== 'primary') return [];
    if (mine !== undefined && other.server.systemIdentifier !== mine) return [];
    const hint =
      mine === undefined
        ? `pgrepl clone-standby ${found.node} makes a standby of it`
        : `pgrepl rejoin ${found.node} makes a standby of it again`;
    return [
      { message: `${found.node}: ${other.node} is the primary of this cluster and takes writes`, hint },
    ];
  });
}

function standbysOf(cluster: Cluster, node: Node): readonly Node[] {
  return cluster.nodes.filter((other) => other.name !== node.name);
}

function wantsFor(
  cluster: Cluster,
  found: Seen,
  request: InitRequest,
  version: ServerVersion,
  checksums: boolean,
): readonly Want[] {
  return replicationWants({
    version,
    standbys: Math.max(1, standbysOf(cluster, request.node).length, request.allow.length),
    checksums,
    freeBytes: found.place.freeBytes,
    listen: request.allow.length > 0 ? request.allow : ['0.0.0.0'],
  });
}

export function rulesFor(role: string, allow: readonly string[]): readonly string[] {
  return allow.flatMap((address) => DATABASES.map((database) => ruleFor(role, address, database)));
}

/** Rules that an earlier run made stay where they are: another script may have allowed another standby. */
export function wantedHba(text: string, rules: readonly string[]): string {
  const kept = blockRules(text);
  return withBlock(text, [...kept, ...rules.filter((rule) => !kept.includes(rule))]);
}

function planCreated(
  cluster: Cluster,
  found: Extract<NodeState, { is: 'empty' }>,
  request: InitRequest,
  title: string,
): Plan {
  const refusals = [...whyNotCreated(found, request.node), ...passwordMissing(found, request, false)];
  if (refusals.length > 0) return refused(title, refusals);
  const created = createSteps({
    found,
    node: request.node,
    rules: rulesFor(request.role, request.allow),
    wants: (version) => wantsFor(cluster, found, request, version, true),
    ...(request.waldir === undefined ? {} : { waldir: request.waldir }),
  });
  const steps = [
    ...created.steps,
    service(found.node, 'start the server', start(found.machine, created.place)),
    ...serverSteps(request, created.socket, created.version, {
      role: true,
      grants: true,
      slots: slotNames(cluster, request.node),
    }),
    ask(found.node, 'it takes writes', created.socket, ['SELECT NOT pg_is_in_recovery();'], 't', 30),
  ];
  return {
    title: `create a cluster on ${found.node} and ${title}`,
    refusals: [],
    steps,
    notes: created.notes,
  };
}

function slotNames(cluster: Cluster, node: Node): readonly string[] {
  return cluster.nodes.filter((other) => other.upstream === node.name).map((other) => other.slot);
}

function passwordMissing(found: Seen, request: InitRequest, exists: boolean): readonly Problem[] {
  if (request.password !== undefined || exists) return [];
  return [
    {
      message: `${found.node}: no password is given for the role ${request.role}, and the role is not there yet`,
      hint: 'Write one into a file that only you can read and name it with --password-file, or in the cluster file as replication.password.',
    },
  ];
}

function serverSteps(
  request: InitRequest,
  socket: Socket,
  version: ServerVersion,
  missing: { role: boolean; grants: boolean; slots: readonly string[] },
): readonly Step[] {
  const name = request.node.name;
  return [
    ...(missing.role ? [sql(name, `the role ${request.role} may replicate`, socket, roleSql(request))] : []),
    ...(missing.grants && has(version, REWIND_WITHOUT_SUPERUSER) && request.role !== socket.user
      ? [
          sql(name, `the role ${request.role} may read what pg_rewind reads`, socket, [
            grantSql(request.role),
          ]),
        ]
      : []),
    ...missing.slots.map((slot) =>
      sql(name, `a slot for the standby that uses ${slot}`, socket, [slotSql(slot)]),
    ),
  ];
}

/** A verifier in the log of the server could be attacked at leisure. */
const QUIET = `BEGIN;
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_error_statement = 'panic';
`;

/** Made without a password and given the verifier in the next breath: both statements are repeatable. */
function roleSql(request: InitRequest): Text {
  const role = sqlIdentifier(request.role);
  const create = `SELECT ${sqlLiteral(`CREATE ROLE ${role} LOGIN REPLICATION`)} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${sqlLiteral(request.role)}) \\gexec\n`;
  const password: Text =
    request.password === undefined ? [] : [` PASSWORD '`, request.password.verifier, `'`];
  return [QUIET, create, `ALTER ROLE ${role} LOGIN REPLICATION`, ...password, ';\nCOMMIT;'];
}

/** https://www.postgresql.org/docs/current/app-pgrewind.html, "Notes". */
function grantSql(role: string): string {
  const functions = [
    'pg_ls_dir(text, boolean, boolean)',
    'pg_stat_file(text, boolean)',
    'pg_read_binary_file(text)',
    'pg_read_binary_file(text, bigint, bigint, boolean)',
  ];
  return functions
    .map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${sqlIdentifier(role)};`)
    .join('\n');
}

/** Not reserved: it holds nothing back until its standby is made. */
function slotSql(slot: string): string {
  const name = sqlLiteral(slot);
  return `SELECT pg_create_physical_replication_slot(${name}) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${name});`;
}

/** The files as they should be, and the steps that write those that are not so. */
function fileSteps(
  found: Seen,
  desired: Readonly<Record<string, string>>,
  rules: readonly string[],
): readonly Step[] {
  const own = ownPath(found.place);
  const ownText = ownFile(desired);
  const hba = found.place.files.hba;
  const hbaText = hba === undefined ? undefined : wantedHba(hba.text, rules);
  const conf = found.place.files.conf;
  const confText = conf === undefined || !own.include ? undefined : withInclude(conf.text, 'pgrepl.conf');
  const isSame =
    JSON.stringify(ownSettings(found.place)) === JSON.stringify(desired) || Object.keys(desired).length === 0;
  return [
    ...(isSame
      ? []
      : [
          write(
            found.node,
            'the settings replication needs',
            own.path,
            [ownText],
            // pg_lsclusters reads it as anybody.
            own.include ? '0600' : '0644',
            was(found.place.files.own),
          ),
        ]),
    ...(conf === undefined ||
    confText === undefined ||
    confText === conf.text ||
    Object.keys(desired).length === 0
      ? []
      : [included(found.node, conf, confText)]),
    ...(hba === undefined || hbaText === undefined || hbaText === hba.text
      ? []
      : [write(found.node, 'standbys are let in', hba.path, [hbaText], 'keep', was(hba))]),
  ];
}

/** Text that is no UTF-8 cannot be written back byte for byte, and is appended to where it is. */
function included(node: string, conf: ConfigFile, text: string): Step {
  const why = 'postgresql.conf includes them';
  return isUtf8(conf)
    ? write(node, why, conf.path, [text], 'keep', was(conf))
    : run(node, why, script(ADD_INCLUDE, 'include', conf.path, 'pgrepl.conf'));
}

/** What could not be decoded has become U+FFFD. */
function isUtf8({ text }: ConfigFile): boolean {
  return !text.includes('\ufffd');
}

function was(file: { text: string } | undefined): { was?: string } {
  return file === undefined ? {} : { was: file.text };
}

function sorted(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hbaProblems(found: Seen): readonly Problem[] {
  const hba = found.place.files.hba;
  if (hba === undefined)
    return [
      {
        message: `${found.node}: pg_hba.conf cannot be read`,
        hint: 'Run it as root or as the owner of the file.',
      },
    ];
  const encoding: Problem[] = isUtf8(hba)
    ? []
    : [
        {
          message: `${found.node}: ${hba.path} is no UTF-8, and could not be written back as it is`,
          hint: `iconv -f LATIN1 -t UTF-8 makes UTF-8 of it, where it is Latin-1.`,
        },
      ];
  const read = parseHba(hba.text).errors;
  const told = isUp(found)
    ? found.server.hba.flatMap(({ line, error, file }) =>
        error === undefined || read.some((known) => known.line === line)
          ? []
          : [{ line, message: error, file: file ?? hba.path }],
      )
    : [];
  const errors = [...read.map((each) => ({ ...each, file: hba.path })), ...told].map(
    ({ line, message, file }) => ({
      message: `${found.node}: ${file} line ${line}: ${message}`,
      hint: 'With an error in it the server keeps its old rules; mend the line first.',
    }),
  );
  return [...encoding, ...errors];
}

function planStopped(
  cluster: Cluster,
  state: ClusterState,
  found: Extract<NodeState, { is: 'stopped' }>,
  request: InitRequest,
  title: string,
): Plan {
  const standby: Problem[] = found.standby
    ? [
        {
          message: `${found.node}: is a standby that does not run, and a primary is to be made of it`,
          hint: `Start it, then: pgrepl promote ${found.node}`,
        },
      ]
    : [];
  const version = found.version;
  const wants = wantsFor(cluster, found, request, version, found.control?.checksums ?? false);
  const desired = sorted(desiredOwn(found, wants, fixedFor(found, request.node)));
  const refusals = [
    ...standby,
    ...recovering(found),
    ...confProblems(found),
    ...hbaProblems(found),
    ...(request.password === undefined ? [passwordUnknown(found, request)] : []),
    ...overriding(found, desired),
    ...overridingFiles(found, wants, desired).map((line) => readAfterOurs(found.node, line)),
  ];
  if (refusals.length > 0) return refused(title, refusals);
  const socketDir = found.place.socketDir ?? found.place.socketDirs[0] ?? '/tmp';
  const socket = futureSocket(
    found,
    Number(desired['port'] ?? effective(found, 'port')?.value ?? 5432),
    socketDir,
  );
  const steps = [
    ...fileSteps(found, desired, rulesFor(request.role, request.allow)),
    service(found.node, 'start the server', start(found.machine, found.place)),
    ...serverSteps(request, socket, version, {
      role: true,
      grants: true,
      slots: slotNames(cluster, request.node),
    }),
    ask(found.node, 'it takes writes', socket, ['SELECT NOT pg_is_in_recovery();'], 't', 60),
  ];
  return {
    title: `start ${found.node} and ${title}`,
    refusals: [],
    steps,
    confirm: unseenSuccessor(state, found),
    notes: wantNotes(found, wants, changedSettings(found, desired)),
  };
}

type Stopped = Extract<NodeState, { is: 'stopped' }>;

/** It would end its recovery where nobody wanted it to, or not start at all. */
function recovering({ node, place }: Stopped): readonly Problem[] {
  if (!place.signals.includes('recovery.signal')) return [];
  return [
    {
      message: `${node}: recovery.signal is there: it is to recover from an archive first`,
      hint: 'Start it, let it come to the end of its recovery, then run this again.',
    },
  ];
}

/** What the server itself says about its files: it would not start. */
function confProblems({ node, place }: Stopped): readonly Problem[] {
  const said = (place.confWrong ?? '').split('\n').flatMap((line) => {
    const message = /(?:LOG|FATAL|ERROR): +(.*)$/.exec(line)?.[1] ?? /^postgres: (.*)$/.exec(line)?.[1];
    return message === undefined ? [] : [message];
  });
  const lines = said.filter((line) => !/^configuration file .* contains errors/.test(line));
  return (lines.length > 0 ? lines : said).map((line) => ({
    message: `${node}: ${line}`,
    hint: 'The server would not start with it; mend it first.',
  }));
}

function passwordUnknown({ node }: Stopped, { role }: InitRequest): Problem {
  return {
    message: `${node}: no password is given for the role ${role}, and while the server is stopped nobody knows whether it has one`,
    hint: 'Start the server, or name a password with --password-file or in the cluster file as replication.password.',
  };
}

/** A stopped server may have a successor on a host that cannot be looked at: then a person decides. */
function unseenSuccessor(state: ClusterState, found: Seen): readonly string[] {
  const unseen = state.nodes.filter((other) => other.is === 'unreachable').map((other) => other.node);
  if (unseen.length === 0) return [];
  return [
    `start ${found.node} as a primary, though ${unseen.join(', ')} cannot be looked at and may have been promoted since`,
  ];
}

function fixedFor(found: Seen, node: Node): Readonly<Record<string, string>> {
  const port = effective(found, 'port')?.value;
  return node.port !== undefined && !isUp(found) && String(node.port) !== port
    ? { port: String(node.port) }
    : {};
}

function planAdopted(
  cluster: Cluster,
  found: Extract<NodeState, { is: 'primary' }>,
  request: InitRequest,
  title: string,
): Plan {
  const { server } = found;
  const checksums = server.settings['data_checksums']?.value === 'on';
  const wants = wantsFor(cluster, found, request, server.version, checksums);
  const desired = sorted(desiredOwn(found, wants, {}));
  const role = server.roles.find(({ name }) => name === request.role);
  const refusals = whyNotAdopted(found, request, wants, desired);
  if (refusals.length > 0) return refused(title, refusals);
  const files = fileSteps(found, desired, rulesFor(request.role, request.allow));
  const changed = changedSettings(found, desired);
  const waiting = [
    ...new Set([
      ...changed.filter((name) => contextOf(found, name) === 'postmaster'),
      ...pending(found, Object.keys(desired)),
    ]),
  ];
  const restarts = request.restart && waiting.length > 0;
  const socket = socketOf(found);
  const passwordFits =
    request.password === undefined || (role?.verifier !== undefined && request.password.fits(role.verifier));
  const missingRole = role === undefined || !role.login || !role.replication || !passwordFits;
  const steps = [
    ...files,
    ...(restarts
      ? [service(found.node, `restart: ${waiting.join(', ')} needs it`, restart(found.machine, found.place))]
      : files.length > 0 || isStale(found)
        ? reloadSteps(found.node, socket)
        : []),
    ...serverSteps(request, socket, server.version, {
      role: missingRole,
      grants: role?.rewinds !== true && server.superuser,
      slots: slotNames(cluster, request.node).filter(
        (slot) => !server.slots.some(({ name }) => name === slot),
      ),
    }),
  ];
  return {
    title,
    refusals: [],
    steps,
    confirm: replacesPassword(found, request, missingRole && role !== undefined && !passwordFits),
    notes: [...waitsNote(found, request, waiting), ...wantNotes(found, wants, changed)],
  };
}

function whyNotAdopted(
  found: Extract<NodeState, { is: 'primary' }>,
  request: InitRequest,
  wants: readonly Want[],
  desired: Readonly<Record<string, string>>,
): readonly Problem[] {
  const { server } = found;
  const role = server.roles.find(({ name }) => name === request.role);
  const hasPassword = role !== undefined && (role.verifier !== undefined || !server.superuser);
  const later = overridingFiles(found, wants, desired);
  return [
    ...wrongServer(found, request),
    ...hbaProblems(found),
    ...passwordMissing(found, request, hasPassword),
    ...overriding(found, desired),
    ...later.map((line) => readAfterOurs(found.node, line)),
    ...unmet(
      found,
      wants,
      later.map(({ name }) => name),
    ),
    ...raisedUnderStandbys(found, desired),
  ];
}

function wrongServer(found: Extract<NodeState, { is: 'primary' }>, request: InitRequest): readonly Problem[] {
  const { server, node } = found;
  return [
    ...(server.superuser
      ? []
      : [{ message: `${node}: ${server.user} is no superuser, and settings and roles need one` }]),
    ...(request.node.port !== undefined && request.node.port !== server.port
      ? [
          {
            message: `${node}: the server listens on port ${server.port}, not ${request.node.port}`,
            hint: `Leave the port out, or name ${server.port}.`,
          },
        ]
      : []),
    ...server.fileErrors.map(({ file, line, name, error }) => ({
      message: `${node}: ${file} line ${line}: ${error}${error.includes(name) ? '' : ` "${name}"`}`,
      hint: 'The server takes no new setting while a file has an error; mend the line first.',
    })),
  ];
}

/** An earlier run, or a person, wrote our file or the rules, and the server has not read them since. */
function isStale({ place, server }: Extract<NodeState, { is: 'primary' }>): boolean {
  const written = place.written ?? 0;
  // A file from the future stays newer than every reload.
  return written > server.loaded && written <= server.clock;
}

/** As the server reads its files, with those that we did not: ours is there, and somebody sets it after us. */
function unmet(
  found: Extract<NodeState, { is: 'primary' }>,
  wants: readonly Want[],
  told: readonly string[],
): readonly Problem[] {
  const own = found.place.files.own?.path;
  return wants.flatMap((want) => {
    const lines = found.server.fileSettings.filter(({ name }) => name === want.name);
    const last = lines.at(-1);
    if (last === undefined || last.file === own || !lines.some(({ file }) => file === own)) return [];
    if (told.includes(want.name) || /postgresql\.auto\.conf$/.test(last.file)) return [];
    return want.good(last.value, UNITS[want.name] ?? '') ? [] : [readAfterOurs(found.node, last)];
  });
}

function changedSettings(found: Seen, desired: Readonly<Record<string, string>>): readonly string[] {
  const own = ownSettings(found.place);
  return Object.keys(desired).filter((name) => own[name] !== desired[name]);
}

function contextOf(found: Extract<NodeState, { is: 'primary' }>, name: string): string {
  return found.server.settings[name]?.context ?? 'postmaster';
}

/** A hot standby stops or pauses when its primary has more walsenders than itself: standbys are raised first. */
function raisedUnderStandbys(
  found: Extract<NodeState, { is: 'primary' }>,
  desired: Readonly<Record<string, string>>,
): readonly Problem[] {
  if (!changedSettings(found, desired).includes('max_wal_senders')) return [];
  const standbys = found.server.walsenders
    .filter(({ state }) => state === 'streaming')
    .map(({ applicationName }) => applicationName);
  if (standbys.length === 0) return [];
  return [
    {
      message: `${found.node}: max_wal_senders must be raised to ${desired['max_wal_senders'] ?? '?'}, and ${standbys.join(', ')} would pause with the lower value`,
      hint: `Raise max_wal_senders on ${standbys.join(', ')} first and restart there; then run this again.`,
    },
  ];
}

function replacesPassword(
  found: Extract<NodeState, { is: 'primary' }>,
  request: InitRequest,
  replaces: boolean,
): readonly string[] {
  const users = found.server.walsenders
    .filter(({ user }) => user === request.role)
    .map(({ applicationName }) => applicationName);
  if (!replaces || users.length === 0) return [];
  return [
    `replace the password of the role ${request.role}: ${users.join(', ')} streams with the old one and could not connect again`,
  ];
}

function waitsNote(found: Seen, request: InitRequest, waiting: readonly string[]): readonly string[] {
  if (request.restart || waiting.length === 0) return [];
  return [
    `${found.node}: ${waiting.join(', ')} wait${waiting.length === 1 ? 's' : ''} for a restart, and --no-restart leaves that to you`,
  ];
}

function wantNotes(found: Seen, wants: readonly Want[], changed: readonly string[]): readonly string[] {
  return wants
    .filter(({ name }) => changed.includes(name))
    .map(({ name, value, why }) => `${found.node}: ${name} = ${value}: ${why}`);
}
