import { has, RECOVERY_IN_SETTINGS } from '../../cluster/version.ts';
import { ownFile } from '../../render/conf.ts';
import { LEAST_CONFIG } from '../../tools/config.ts';
import { script } from '../../tools/shell.ts';
import type { CloneRequest } from './cloneRequest.ts';
import { includeStep, wantedHba } from '../configFiles.ts';
import { NEW_HBA, portOf } from '../create.ts';
import { ownPath } from '../effective.ts';
import { rulesFor } from '../initPrimary/initRequest.ts';
import { linkFiles } from '../link.ts';
import type { Step } from '../plan.ts';
import type { Source } from '../source.ts';
import { builtInSocketDir, run, write, type Seen } from '../steps.ts';
import { replicationWants } from '../wants.ts';

export type Copy = { found: Seen; request: CloneRequest; source: Source; aside?: string };

/** The copy gets a configuration of its own, where it lies now: `data`. */
export function configSteps(input: Copy, data: string): readonly Step[] {
  const { found, request, source } = input;
  const name = found.node;
  const link = linkFiles(name, source.version, request.link, { dir: data, real: found.place.real });
  const clean = run(name, 'nothing of the upstream that is its own', cleanArgv(source, data));
  if (found.place.service.by === 'pg_ctlcluster') return [clean, ...link];
  return [
    clean,
    run(
      name,
      'a configuration, if the copy brought none',
      script(LEAST_CONFIG, 'config', data, newHba(request)),
    ),
    write(name, 'the settings of this node', `${data}/pgrepl.conf`, [ownFile(settings(input))], '0600'),
    includeStep(name, `${data}/postgresql.conf`, 'pgrepl.conf'),
    ...link,
  ];
}

/** Who may connect, where the copy does not say it: the owner, and those who will follow it as a primary. */
function newHba({ link, allow = [] }: CloneRequest): string {
  return wantedHba(NEW_HBA, rulesFor(link.role, allow));
}

function cleanArgv(source: Source, data: string): readonly string[] {
  const recovery = has(source.version, RECOVERY_IN_SETTINGS) ? ['recovery.conf'] : [];
  const files = ['pgrepl-start.log', 'postmaster.opts', 'recovery.done', ...recovery];
  return ['rm', '-f', '--', ...files.map((file) => `${data}/${file}`)];
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
  const wanted = Object.fromEntries(wants.map(({ name, value }) => [name, value]));
  const floors = Object.entries(source.floors).map(([name, value]) => [
    name,
    String(Math.max(value, Number(wanted[name] ?? 0))),
  ]);
  const byPgCtl =
    found.place.service.by === 'pg_ctlcluster' ? {} : { unix_socket_directories: builtInSocketDir(found) };
  // As a primary it will have the upstream's subscribers.
  const level = source.walLevel === 'logical' ? { wal_level: 'logical' } : {};
  return {
    ...wanted,
    ...level,
    ...Object.fromEntries(floors),
    port: String(portOf(request.node)),
    ...byPgCtl,
  };
}

/** Debian's layout: the configuration is made around the data, and our file goes into conf.d. */
export function debianSteps(input: Copy): readonly Step[] {
  const { found, request } = input;
  const { service: owner, files } = found.place;
  if (owner.by !== 'pg_ctlcluster') return [];
  const { major, cluster } = owner.name;
  const dir = `/etc/postgresql/${major}/${cluster}`;
  const path = files.conf === undefined ? `${dir}/conf.d/99-pgrepl.conf` : ownPath(found.place).path;
  const port = ['--port', String(portOf(request.node))];
  const create = ['pg_createcluster', ...port, '-d', found.place.real, String(major), cluster];
  return [
    ...(files.conf === undefined
      ? [
          // pg_createcluster moves the files of the directory to /etc, and an upstream of Debian has none there.
          run(
            found.node,
            'a configuration, if the copy brought none',
            script(LEAST_CONFIG, 'config', found.place.real, newHba(request)),
          ),
          run(found.node, "Debian's configuration around it", create, { asLogin: true, seconds: 600 }),
        ]
      : []),
    write(found.node, 'the settings of this node', path, [ownFile(settings(input))], '0644'),
    ...hbaSteps(input),
    ...(path.startsWith(`${dir}/`)
      ? [includeStep(found.node, `${dir}/postgresql.conf`, path.slice(dir.length + 1))]
      : []),
  ];
}

/** A configuration that was there before has rules of its own; ours are put before them. */
function hbaSteps({ found, request }: Copy): readonly Step[] {
  const { hba } = found.place.files;
  if (hba === undefined) return [];
  const text = wantedHba(hba.text, rulesFor(request.link.role, request.allow ?? []));
  if (text === hba.text) return [];
  return [
    write(found.node, 'those who will follow it are let in', hba.path, [text], 'keep', { was: hba.text }),
  ];
}
