import { has, REWIND_CONFIG_FILE, REWIND_NO_SYNC } from '../../cluster/version.ts';
import { conninfo } from '../../render/conninfo.ts';
import { REWIND } from '../../tools/rewind.ts';
import { script, WITH_PASSWORD } from '../../tools/shell.ts';
import type { Step } from '../plan.ts';
import { copy } from '../steps.ts';
import { workingDirectory } from './rewindPlaces.ts';
import { missingHint } from './rewindGates.ts';
import { versionOf, signalOf, outsideConf, restores, type Rewind } from './rewindCase.ts';

function sourceOf(input: Rewind): { to: string; password: boolean } {
  const { link, primary } = input;
  const common = { dbname: 'postgres', application_name: 'pgrepl_rewind' };
  if (input.rewinder !== undefined) {
    const { socketDir, port, user, database } = primary.server;
    return {
      to: conninfo({ host: socketDir, port: String(port), user, ...common, dbname: database }),
      password: false,
    };
  }
  const to = conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    ...common,
    connect_timeout: '10',
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
  });
  return { to, password: link.password !== undefined };
}

/** What pg_rewind says where the node's own WAL does not go back far enough (pg_rewind.c, parsexlog.c, archive.c). */
const WANT_OF_WAL = ['could not find previous WAL record', 'could not read WAL record'];

/** ENOSPC, in C. */
const NO_SPACE = 'No space left on device';

export function rewindStep(input: Rewind): Step {
  const { found, primary, link } = input;
  const { place, machine } = found;
  const version = versionOf(found);
  const conf = outsideConf(place);
  const byFile = conf !== undefined && has(version, REWIND_CONFIG_FILE);
  const source = sourceOf(input);
  const argv = [
    machine.programs.pg_rewind ?? 'pg_rewind',
    ...['-D', place.real, `--source-server=${source.to}`, '--progress'],
    ...(restores(found) ? ['--restore-target-wal'] : []),
    ...(byFile ? [`--config-file=${conf}`] : []),
    ...(has(version, REWIND_NO_SYNC) ? ['--no-sync'] : []),
  ];
  const words = source.password ? script(WITH_PASSWORD, 'with-password', ...argv) : argv;
  return copy(
    found.node,
    `rewind it to ${primary.node}`,
    script(REWIND, 'rewind', workingDirectory(place), place.real, signalOf(found), primary.node, ...words),
    {
      hints: [
        ...WANT_OF_WAL.map((said) => [said, missingHint(found, primary)] as const),
        [NO_SPACE, `Make room on ${found.node}, then run this again: it is done again, from what was kept.`],
      ],
      ...(source.password && link.password !== undefined ? { stdin: [link.password, '\n'] } : {}),
    },
  );
}
