import type { Socket } from '../tools/psql.ts';
import type { Step } from './plan.ts';
import { ask, inLane, run, sql, type Up } from './steps.ts';
import { psql } from '../tools/psql.ts';

/** An earlier run, or a person, wrote our file or the rules, and the server has not read them since. */
export function isStale({ place, server }: Up): boolean {
  const written = place.written ?? 0;
  // A file from the future stays newer than every reload.
  return written > server.loaded && written <= server.clock;
}

/** A reload, and the proof that the postmaster has read its files: it happens some time after the signal. */
export function reloadSteps(node: string, socket: Socket, lane?: string): readonly Step[] {
  const loaded = `loaded_${node.replace(/[^A-Za-z0-9]/g, '_')}`;
  const extra = inLane(lane);
  return [
    run(node, 'when its files were read last', psql(socket), {
      stdin: ['SELECT pg_conf_load_time();\n'],
      capture: loaded,
      ...extra,
    }),
    sql(node, 'reload', socket, ['SELECT pg_reload_conf();'], extra),
    ask(
      node,
      'the files are read anew',
      socket,
      [`SELECT pg_conf_load_time() > '`, { ref: loaded }, `';`],
      't',
      30,
      extra,
    ),
  ];
}
