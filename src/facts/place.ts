import type { Node } from '../cluster/types.ts';
import type { Sections } from './sections.ts';
import type { ConfigFiles, Place, Service } from './state.ts';

export function placeOf(node: Node, at: Sections): Place {
  const real = at.one('real') ?? node.pgdata ?? '';
  const [mode, owner] = at.one('dirmode')?.split(' ') ?? [];
  const walLink = at.one('wallink');
  const walFree = at.one('walfree');
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
    nearest: at.one('nearest') ?? real,
    mountPoint,
    parentWritable,
    creatable: parentWritable || at.one('creatable') !== undefined,
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
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
    ...(walFree === undefined ? {} : { walFreeBytes: Number(walFree) * 1024 }),
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
    files: configFiles(at),
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
function unitOf(cgroup: string | undefined): string | undefined {
  const last = /\/([^/\n]+\.service)\s*$/m.exec(cgroup ?? '')?.[1];
  return last === undefined || !/postgres|pgsql/i.test(last) ? undefined : last;
}

function configFiles({ files }: Sections): ConfigFiles {
  const named = (['conf', 'auto', 'hba', 'own', 'recovery'] as const).flatMap((name) => {
    const file = files(name)[0];
    return file === undefined ? [] : [[name, file]];
  });
  return { ...Object.fromEntries(named), included: files('included') };
}
