import type { ServerVersion } from '../cluster/version.ts';
import { parseLsn, type Lsn } from './lsn.ts';
import type { HbaRule, Server, Setting, Slot, Streaming, Walsender } from './state.ts';

/** The document that facts/questions.ts asks for, as psql prints it. */
export type Answer = {
  version: number;
  superuser: boolean;
  loaded: number;
  clock: number;
  standby: boolean;
  systemIdentifier: string;
  timeline: number;
  current: string | null;
  received: string | null;
  replayed: string | null;
  paused: boolean;
  lagSeconds: number;
  recovery: [string | null, string | null];
  receiver: {
    status: string;
    slot: string | null;
    timeline: number;
    sender: [string | null, number | null];
    conninfo: string | null;
  } | null;
  settings: Record<string, [string, string | null, string, string, string | null, number | null, boolean]>;
  files: [string, number, string, string | null, boolean, string | null][];
  hba: [
    number,
    string | null,
    string[] | null,
    string[] | null,
    string | null,
    string | null,
    string | null,
    string | null,
    string | null,
  ][];
  roles: [string, boolean, boolean, boolean, string | null, boolean][];
  slots: [string, string, boolean, number | null, string | null, string | null, number | null, number][];
  walsenders: [
    number,
    string,
    string | null,
    string | null,
    string,
    string | null,
    string | null,
    string | null,
    string | null,
  ][];
  tablespaces: [string, string, number][];
  collations: [string, string | null, string | null][];
  exclusiveBackup: boolean;
  archiver: [boolean, string | null];
  sessions: number;
};

/** Where it was asked: what postmaster.pid and psql know. */
export type Asked = {
  pid: number;
  port: number;
  socketDir: string;
  user: string;
  database: string;
  ready?: number;
};

/** Leaves out what is null, so that a field that is absent is not there. */
function given<T extends object>(values: { [K in keyof T]: T[K] | null | undefined }): T {
  // Each of hundreds of settings comes by here.
  const kept: Partial<Record<keyof T, unknown>> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== null && value !== undefined) kept[name] = value;
  }
  return kept as T;
}

export function lsnOf(text: string | null | undefined): Lsn | undefined {
  return text === null || text === undefined ? undefined : parseLsn(text);
}

export function serverOf(answer: Answer, asked: Asked): Server {
  const slots = answer.slots.map(slotOf);
  const copies = answer.walsenders.filter(([, , , , state]) => state === 'backup');
  return {
    version: answer.version as ServerVersion,
    pid: asked.pid,
    port: asked.port,
    socketDir: asked.socketDir,
    user: asked.user,
    database: asked.database,
    systemIdentifier: answer.systemIdentifier,
    timeline: answer.timeline,
    superuser: answer.superuser,
    loaded: answer.loaded,
    clock: answer.clock,
    settings: Object.fromEntries(
      Object.entries(answer.settings).map(([name, row]) => [name, settingOf(row)]),
    ),
    fileErrors: answer.files
      .filter(
        ([, , , , , error]) =>
          error !== null && !/could not be applied|cannot be changed without restart/.test(error),
      )
      .map(([file, line, name, , , error]) => ({ file, line, name, error: error ?? '' })),
    fileSettings: answer.files
      .filter(([, , name]) => name !== null)
      .map(([file, line, name, value, applied]) => ({ file, line, name, value: value ?? '', applied })),
    hba: answer.hba.map(hbaOf),
    roles: answer.roles.map(([name, login, replication, superuser, verifier, rewinds]) =>
      given({ name, login, replication, superuser, verifier, rewinds }),
    ),
    slots,
    walsenders: answer.walsenders.map((row) => walsenderOf(row, slots)),
    tablespaces: answer.tablespaces
      .filter(([, location]) => location !== '')
      .map(([name, location, bytes]) => ({ name, location, bytes })),
    dataBytes: answer.tablespaces
      .filter(([, location]) => location === '')
      .reduce((sum, [, , bytes]) => sum + bytes, 0),
    collations: answer.collations.map(([database, recorded, actual]) =>
      given({ database, recorded, actual }),
    ),
    backups: copies.length + (answer.exclusiveBackup ? 1 : 0),
    archiver: given({ failing: answer.archiver[0], lastFailed: answer.archiver[1], ready: asked.ready }),
    sessions: answer.sessions,
  };
}

function settingOf([
  value,
  unit,
  context,
  source,
  file,
  line,
  pendingRestart,
]: Answer['settings'][string]): Setting {
  return given({ value, unit: unit ?? '', context, source, file, line, pendingRestart });
}

function hbaOf([
  line,
  type,
  databases,
  users,
  address,
  mask,
  method,
  error,
  file,
]: Answer['hba'][number]): HbaRule {
  return given<HbaRule>({
    line,
    type,
    databases: databases ?? [],
    users: users ?? [],
    address,
    mask,
    method,
    error,
    file,
  });
}

function slotOf([
  name,
  type,
  active,
  activePid,
  restart,
  walStatus,
  safeBytes,
  held,
]: Answer['slots'][number]): Slot {
  return given<Slot>({
    name,
    type: type === 'logical' ? 'logical' : 'physical',
    active,
    activePid,
    restartLsn: lsnOf(restart),
    held: Math.max(0, Number(held)),
    walStatus,
    safeBytes,
  });
}

function walsenderOf(
  [pid, applicationName, user, address, state, sent, flushed, replayed, sync]: Answer['walsenders'][number],
  slots: readonly Slot[],
): Walsender {
  return given<Walsender>({
    pid,
    applicationName,
    user: user ?? '',
    address,
    state,
    sent: lsnOf(sent),
    flushed: lsnOf(flushed),
    replayed: lsnOf(replayed),
    sync: sync ?? 'async',
    slot: slots.find(({ activePid }) => activePid === pid)?.name,
  });
}

export function streamingOf(receiver: Answer['receiver']): Streaming | undefined {
  if (receiver === null) return undefined;
  return given<Streaming>({
    status: receiver.status,
    sender: receiver.sender[0],
    senderPort: receiver.sender[1],
    slot: receiver.slot,
    receivedTimeline: receiver.timeline,
  });
}
