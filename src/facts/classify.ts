import { majorOf, has, ofMajor, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import type { Node } from '../cluster/types.ts';
import { parseConf } from '../render/conf.ts';
import { parseControlData } from './controldata.ts';
import { filesOf, sectionsOf, type Sections } from './sections.ts';
import { lsnOf, serverOf, streamingOf, type Answer } from './server.ts';
import { whyMute } from './whyMute.ts';
import type { ConfigFile, ConfigFiles, Machine, NodeState, Place, Program, Service } from './state.ts';

const PROGRAMS: readonly Program[] = [
  'postgres',
  'initdb',
  'pg_ctl',
  'psql',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
  'pg_verifybackup',
  'pg_amcheck',
];

/** What may lie in an empty directory: a file system's own, our staging, and what was moved aside in a mount point. */
const NOTHING = /^(lost\+found|\.pgrepl-new|\.pgrepl-old-.*|)$/;

/** What a probe's output says about a node. */
export function classify(node: Node, output: string, token: string): NodeState {
  const at = sectionsOf(output, token);
  const files = (name: string): readonly ConfigFile[] => filesOf(output, token, name);
  if (at.one('became') === undefined) return { node: node.name, is: 'unreachable', ...whyNot(node, at) };
  const machine = machineOf(at);
  const place = placeOf(node, at, files);
  const major = Number(at.one('pgversion') ?? Number.NaN);
  if (Number.isNaN(major)) {
    const found = (at.one('exists') ?? '').split('\n').filter((name) => !NOTHING.test(name));
    return found.length === 0
      ? { node: node.name, is: 'empty', machine, place }
      : { node: node.name, is: 'foreign', machine, place, found };
  }
  if (at.one('alive') !== undefined) return runningOf(node, at, machine, place);
  const control = parseControlData(at.one('control') ?? '', major);
  return {
    node: node.name,
    is: 'stopped',
    machine,
    place,
    version: ofMajor(major),
    ...(control === undefined ? {} : { control }),
    standby: has(ofMajor(major), RECOVERY_IN_SETTINGS)
      ? at.all('signal').includes('standby.signal')
      : place.files.recovery !== undefined,
  };
}

function whyNot(node: Node, at: Sections): { because: string; hint?: string } {
  const login = at.one('login');
  const owner = at.one('owner');
  if (at.one('by') === 'sudo') {
    return {
      because: `${node.name}: logged in as ${login ?? '?'}, the data belongs to ${owner ?? '?'}, and sudo does not let us become them without a password`,
      hint: `run it as ${owner ?? 'the owner'} or as root, or allow "sudo -n -u ${owner ?? 'postgres'}" for ${login ?? 'the login'}`,
    };
  }
  if (login !== undefined)
    return { because: `${node.name}: ${login} cannot become ${owner ?? 'the owner of the data'}` };
  return { because: `${node.name}: the host gave no answer that makes sense` };
}

function machineOf(at: Sections): Machine {
  const login = at.one('login') ?? '';
  const owner = at.one('owner') ?? login;
  const by = at.one('by');
  return {
    login,
    ...(owner === login ? {} : { become: owner }),
    by: by === 'runuser' || by === 'su' || by === 'sudo' ? by : 'self',
    hostname: at.one('hostname') ?? '',
    os: at.one('os') ?? '',
    libc: at.one('libc') ?? '',
    ...majorOfPrograms(at),
    programs: Object.fromEntries(
      PROGRAMS.flatMap((name) => {
        const path = at.one(`program ${name}`);
        return path === undefined ? [] : [[name, path]];
      }),
    ),
    bindirs: Object.fromEntries(
      at.all('bindir').flatMap((dir) => {
        const major = /(?:postgresql\/|pgsql-)(\d+)\/bin$/.exec(dir)?.[1];
        return major === undefined ? [] : [[major, dir]];
      }),
    ),
    systemd: at.one('systemd') !== undefined,
    postgresqlCommon: at.one('postgresqlcommon') !== undefined,
  };
}

/** The major of the programs that were chosen: from their directory's name, else from what postgres says. */
function majorOfPrograms(at: Sections): { major?: number } {
  const named = /(?:postgresql\/|pgsql-)(\d+)\/bin$/.exec(at.one('chosen') ?? '')?.[1];
  const said = /\) (\d+)/.exec(at.one('chosenversion') ?? '')?.[1];
  const major = named ?? said;
  return major === undefined ? {} : { major: Number(major) };
}

function placeOf(node: Node, at: Sections, files: (name: string) => readonly ConfigFile[]): Place {
  const real = at.one('real') ?? node.pgdata ?? '';
  const owner = at.one('dirmode')?.split(' ')[1];
  const walLink = at.one('wallink');
  const walNamed = at.one('walnamed');
  const log = at.one('log');
  const superuser = node.superuser ?? at.one('superuser');
  const socketDir = at.one('socket') ?? firstSocket(at.one('sockets'));
  const written = Math.max(...(at.one('written') ?? '').split('\n').filter(Boolean).map(Number));
  const confWrong = at.one('confwrong');
  const mountPoint = at.one('mountpoint') !== undefined;
  const parentWritable = at.one('parentwritable') !== undefined;
  // An earlier run that made the directory itself began inside it: its parent is writable by now.
  const [inside, staged] = [`${real}/.pgrepl-new`, at.all('staged')];
  return {
    pgdata: at.one('pgdata') ?? real,
    real,
    exists: at.one('exists') !== undefined,
    mountPoint,
    parentWritable,
    creatable: parentWritable || at.one('creatable') !== undefined,
    ...(owner === undefined ? {} : { owner }),
    foreignOwner: owner !== undefined && owner !== at.one('became'),
    freeBytes: Number(at.one('free') ?? 0) * 1024,
    socketDirs: at.all('socketdir'),
    listening: (at.one('listening') ?? '')
      .split('\n')
      .filter((port) => port !== '')
      .map((port) => parseInt(port, 16)),
    staging: mountPoint || !parentWritable || staged.includes(inside) ? inside : `${real}.pgrepl-new`,
    staged: staged.length > 0,
    complete: at.all('complete').length > 0,
    obstacles: at.all('obstacle'),
    signals: at.all('signal'),
    aside: at.all('aside'),
    ...(socketDir === undefined ? {} : { socketDir }),
    ...(walLink === undefined ? {} : { walLink }),
    ...(walNamed === undefined ? {} : { walNamed }),
    ...(superuser === undefined ? {} : { superuser }),
    ...(log === undefined ? {} : { log }),
    ...(Number.isFinite(written) ? { written } : {}),
    ...(confWrong === undefined ? {} : { confWrong }),
    tablespaces: at.all('tablespace').map((line) => {
      const space = line.indexOf(' ');
      return { oid: Number(line.slice(0, space)), location: line.slice(space + 1) };
    }),
    service: serviceOf(node, at),
    files: configFiles(files),
  };
}

/** The first of unix_socket_directories, which may stand in double quotes (SplitDirectoriesString in varlena.c). */
function firstSocket(list: string | undefined): string | undefined {
  if (list === undefined) return undefined;
  const first = /^\s*(?:"((?:[^"]|"")*)"|([^,]*))/.exec(list);
  const dir = (first?.[1]?.replaceAll('""', '"') ?? first?.[2] ?? '').trim();
  return dir === '' ? 'localhost' : dir;
}

function serviceOf(node: Node, at: Sections): Service {
  const debian = at.one('debian');
  if (debian !== undefined && at.one('postgresqlcommon') !== undefined) {
    const [major = '', cluster = ''] = debian.split('/');
    return { by: 'pg_ctlcluster', name: { major: Number(major), cluster } };
  }
  if (node.debian !== undefined && at.one('postgresqlcommon') !== undefined)
    return { by: 'pg_ctlcluster', name: node.debian };
  const unit = unitOf(at.one('cgroup')) ?? at.one('unit');
  return unit === undefined || at.one('systemd') === undefined ? { by: 'pg_ctl' } : { by: 'systemd', unit };
}

/** The unit that owns a process, from /proc/PID/cgroup; a login session's scope is nobody's service. */
export function unitOf(cgroup: string | undefined): string | undefined {
  const last = /\/([^/\n]+\.service)\s*$/m.exec(cgroup ?? '')?.[1];
  return last === undefined || !/postgres|pgsql/i.test(last) ? undefined : last;
}

function configFiles(files: (name: string) => readonly ConfigFile[]): ConfigFiles {
  const named = (['conf', 'auto', 'hba', 'own', 'recovery'] as const).flatMap((name) => {
    const file = files(name)[0];
    return file === undefined ? [] : [[name, file]];
  });
  return { ...Object.fromEntries(named), included: files('included') };
}

function runningOf(node: Node, at: Sections, machine: Machine, place: Place): NodeState {
  const text = at.one('answer');
  if (text === undefined) {
    return muteOf(node, at, machine, place);
  }
  const answer = JSON.parse(text) as Answer;
  // The database is one of two; a role may have blanks in its name.
  const [, user = '', database = ''] = /^(.*) (\S+)$/s.exec(at.one('asked') ?? '') ?? [];
  const ready = at.one('ready');
  const server = serverOf(answer, {
    pid: Number(at.one('pidfile') ?? 0),
    port: Number(at.one('port')),
    socketDir: at.one('socket') ?? '',
    user,
    database,
    ...(ready === undefined ? {} : { ready: Number(ready) }),
  });
  const running = { node: node.name, machine, place, server };
  if (!answer.standby)
    return { ...running, is: 'primary', current: lsnOf(answer.current) ?? ('0/0' as never) };
  const streaming = streamingOf(answer.receiver);
  const recovery = recoverySettings(place, answer);
  return {
    ...running,
    is: 'standby',
    received: lsnOf(answer.received),
    replayed: lsnOf(answer.replayed),
    paused: answer.paused,
    lagSeconds: Number(answer.lagSeconds),
    ...(streaming === undefined ? {} : { streaming }),
    conninfo: recovery['primary_conninfo'] ?? '',
    slot: recovery['primary_slot_name'] ?? '',
    delayMs: delayOf(recovery['recovery_min_apply_delay'], answer),
  };
}

function muteOf(node: Node, at: Sections, machine: Machine, place: Place): NodeState {
  const { because, waits, ...hint } = whyMute(node, at);
  const [segment, left] = (at.one('recovering') ?? '').trim().split(' ');
  return {
    node: node.name,
    is: 'mute',
    machine,
    place,
    because,
    starting: waits,
    ...hint,
    ...(segment === undefined || left === undefined ? {} : { recovering: { segment, left: Number(left) } }),
  };
}

/** From 12 these are settings that the server tells; before, they are in recovery.conf and nowhere else. */
function recoverySettings(place: Place, answer: Answer): Record<string, string> {
  if (majorOf(ofMajor(Math.floor(answer.version / 10000))) >= majorOf(RECOVERY_IN_SETTINGS)) {
    return {
      primary_conninfo: answer.recovery[0] ?? '',
      primary_slot_name: answer.recovery[1] ?? '',
      recovery_min_apply_delay: answer.settings['recovery_min_apply_delay']?.[0] ?? '0',
    };
  }
  const lines = parseConf(place.files.recovery?.text ?? '').settings;
  return Object.fromEntries(lines.map(({ name, value }) => [name, value]));
}

function delayOf(value: string | undefined, answer: Answer): number {
  const unit = answer.settings['recovery_min_apply_delay']?.[1] ?? '';
  const match = /^(\d+)\s*(ms|s|min|h|d)?$/.exec((value ?? '0').trim());
  const factor =
    { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? (unit || 'ms')] ?? 1;
  return Number(match?.[1] ?? 0) * factor;
}
