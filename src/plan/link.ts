import type { StandbyState } from '../facts/view.ts';
import { CONNINFO_BY_RELOAD, has, RECOVERY_IN_SETTINGS, type ServerVersion } from '../cluster/version.ts';
import type { NodeState } from '../facts/state.ts';
import { parseConf, quoteConf, withSettings } from '../render/conf.ts';
import { parseConninfo, primaryConninfo } from '../render/conninfo.ts';
import { pgpassLine } from '../render/pgpass.ts';
import { HAUNTING, recoveryConf } from '../render/recovery.ts';
import { restart } from '../tools/service.ts';
import { EDIT_AUTO } from '../tools/config.ts';
import { script } from '../tools/shell.ts';
import { sqlLiteral, type Secret, type Text } from '../tools/words.ts';
import type { Step, WriteStep } from './plan.ts';
import { reloadSteps } from './reload.ts';
import { inLane, run, service, socketOf, sql, write, type Seen, type Up } from './steps.ts';

/** How a standby reaches its upstream. */
export type Link = {
  host: string;
  port: number;
  role: string;
  applicationName: string;
  slot: string;
  /** Goes into a file of its own beside the data; absent where libpq finds one elsewhere. */
  password?: Secret;
  /** The file that is there already and holds it, where it is not told anew. */
  passfile?: string;
};

/** Where a standby's password is: in the data directory, readable by its owner alone. */
export function passfileOf(dir: string): string {
  return `${dir}/pgrepl.pgpass`;
}

/** What people, or an earlier run, put into the connection beside where it leads: sslmode, passfile and the like. */
function kept(conninfo: string): Readonly<Record<string, string>> {
  const leads = new Set(['host', 'hostaddr', 'port', 'user', 'application_name', 'dbname', 'replication']);
  return Object.fromEntries(Object.entries(parseConninfo(conninfo) ?? {}).filter(([key]) => !leads.has(key)));
}

/** A password in the connection beats every password file (passwordFromFile() in fe-connect.c): it goes for ours. */
export function conninfoOf(link: Link, dataDirectory: string, before = '', hasPassfile = false): string {
  const { host, port, role, applicationName } = link;
  const all = kept(before);
  const { password: _, ...less } = all;
  const passfile = link.password !== undefined || hasPassfile ? { passfile: passfileOf(dataDirectory) } : {};
  const extra = link.password === undefined ? all : less;
  return primaryConninfo({ host, port, role, applicationName, ...passfile, extra });
}

/** One line for whatever upstream: the file is ours, and only our connection names it. */
export function passfileText(link: Pick<Link, 'role'> & { password: Secret }): Text {
  const { role: user, password } = link;
  return pgpassLine({ host: '*', port: '*', database: '*', user, password });
}

/** Whether a conninfo and a slot lead where the link leads. */
export function leadsTo(conninfo: string, slot: string, link: Link): boolean {
  const parts = parseConninfo(conninfo) ?? {};
  return (
    (parts['host'] ?? parts['hostaddr']) === link.host &&
    Number(parts['port'] ?? 5432) === link.port &&
    parts['user'] === link.role &&
    slot === link.slot
  );
}

/**
 * Whether the standby's connection is this one, and in force. Before 13 it counts from the next start on: a run that was
 * killed between the file and the restart has written it alone, and the upstream does not show it.
 */
export function isLinked(standby: StandbyState, upstream: Up, link: Link): boolean {
  if (!leadsTo(standby.conninfo, standby.slot, link)) return false;
  if (has(standby.server.version, CONNINFO_BY_RELOAD)) return true;
  return upstream.server.walsenders.some(({ slot }) => slot === link.slot);
}

/** What the files of a server that does not run say of its upstream. */
export function writtenLink(found: Seen, version: ServerVersion): { conninfo: string; slot: string } {
  const text = has(version, RECOVERY_IN_SETTINGS)
    ? (found.place.files.auto?.text ?? '')
    : (found.place.files.recovery?.text ?? '');
  const settings = new Map(parseConf(text).settings.map(({ name, value }) => [name, value]));
  return { conninfo: settings.get('primary_conninfo') ?? '', slot: settings.get('primary_slot_name') ?? '' };
}

export function passfileSteps(
  node: string,
  link: Link,
  dir: string,
  extra: { lane?: string } & Pick<WriteStep, 'flush'> = {},
): readonly Step[] {
  const { password } = link;
  if (password === undefined) return [];
  const why = 'the password, for the owner alone';
  return [write(node, why, passfileOf(dir), passfileText({ ...link, password }), '0600', extra)];
}

/** For a connection that leads there and does not come up: the password file that it names, where that is ours. */
export function newPasswordSteps(found: StandbyState, link: Link): readonly Step[] {
  const { real } = found.place;
  return parseConninfo(found.conninfo)?.['passfile'] === passfileOf(real)
    ? passfileSteps(found.node, link, real)
    : [];
}

/**
 * The files that make a stopped data directory a standby of that upstream. `dir` is where they lie now; `flush` is
 * for who flushes them all in a later step, and `hasSignal` for a directory that is a standby's already.
 */
export function linkFiles(
  node: string,
  version: ServerVersion,
  link: Link,
  at: {
    dir: string;
    real: string;
    before?: string;
    hasPassfile?: boolean;
    trigger?: string;
    flush?: 'later';
    hasSignal?: boolean;
  },
): readonly Step[] {
  const conninfo = conninfoOf(link, at.real, at.before, at.hasPassfile);
  const flush = at.flush === undefined ? {} : { flush: at.flush };
  const passfile = passfileSteps(node, link, at.dir, flush);
  if (!has(version, RECOVERY_IN_SETTINGS)) {
    const text = recoveryConf({
      primary_conninfo: conninfo,
      primary_slot_name: link.slot,
      ...(at.trigger === undefined ? {} : { trigger_file: at.trigger }),
    });
    return [
      ...passfile,
      write(node, `it follows ${link.host}:${link.port}`, `${at.dir}/recovery.conf`, [text], '0600', flush),
    ];
  }
  const lines = `primary_conninfo = ${quoteConf(conninfo)}\nprimary_slot_name = ${quoteConf(link.slot)}\n`;
  return [
    ...passfile,
    run(
      node,
      `it follows ${link.host}:${link.port}, and nothing of a past life`,
      script(EDIT_AUTO, at.flush ?? 'edit', `${at.dir}/postgresql.auto.conf`, ...HAUNTING),
      { stdin: [lines] },
    ),
    ...(at.hasSignal === true
      ? []
      : [write(node, 'it is a standby', `${at.dir}/standby.signal`, [''], '0600', flush)]),
  ];
}

/**
 * Points a standby that runs at another upstream: by reload from 13 on, by restart before. A restart cuts its
 * sessions; nothing else does.
 */
export function relinkSteps(found: StandbyState, link: Link, lane?: string): readonly Step[] {
  const { node, place, machine, server } = found;
  const extra = inLane(lane);
  const hasPassfile =
    place.signals.includes('pgrepl.pgpass') && (parseConninfo(found.conninfo)?.['passfile'] ?? '') !== '';
  const conninfo = conninfoOf(link, place.real, found.conninfo, hasPassfile);
  const passfile = passfileSteps(node, link, place.real, extra);
  if (!has(server.version, RECOVERY_IN_SETTINGS)) {
    const before = place.files.recovery?.text ?? '';
    const text = withSettings(before, {
      primary_conninfo: conninfo,
      primary_slot_name: link.slot,
      recovery_target_timeline: 'latest',
    });
    return [
      ...passfile,
      write(node, `it follows ${link.host}:${link.port}`, `${place.real}/recovery.conf`, [text], '0600', {
        was: before,
        ...extra,
      }),
      service(node, 'restart: recovery.conf is read at the start alone', restart(machine, place), extra),
    ];
  }
  const set = settingSteps(
    found,
    { primary_conninfo: conninfo, primary_slot_name: link.slot },
    `it follows ${link.host}:${link.port}`,
    extra,
  );
  const takes = has(server.version, CONNINFO_BY_RELOAD)
    ? reloadSteps(node, socketOf(found), lane)
    : [
        service(
          node,
          'restart: before 13 the upstream is read at the start alone',
          restart(machine, place),
          extra,
        ),
      ];
  return [...passfile, ...set, ...takes];
}

/** ALTER SYSTEM, or the file itself where the server does not allow that (allow_alter_system, 17). */
export function settingSteps(
  found: Extract<NodeState, { server: unknown }>,
  settings: Readonly<Record<string, string | null>>,
  why: string,
  extra: { lane?: string } = {},
): readonly Step[] {
  const { node, place, server } = found;
  if (server.settings['allow_alter_system']?.value === 'off') {
    const lines = Object.entries(settings)
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([name, value]) => `${name} = ${quoteConf(value)}\n`);
    return [
      run(
        node,
        why,
        script(EDIT_AUTO, 'edit', `${place.real}/postgresql.auto.conf`, ...Object.keys(settings)),
        { stdin: [lines.join('')], ...extra },
      ),
    ];
  }
  const statements = Object.entries(settings).map(([name, value]) =>
    value === null ? `ALTER SYSTEM RESET ${name};` : `ALTER SYSTEM SET ${name} = ${sqlLiteral(value)};`,
  );
  return [sql(node, why, socketOf(found), [statements.join('\n')], extra)];
}

/** Of the settings that must not outlive a promotion, those that postgresql.auto.conf has. */
export function leftovers(found: Seen): readonly string[] {
  const set = new Set(parseConf(found.place.files.auto?.text ?? '').settings.map(({ name }) => name));
  return HAUNTING.filter((name) => set.has(name));
}
