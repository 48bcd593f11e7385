import type { Socket } from '../tools/psql.ts';
import type { Step } from './plan.ts';
import { ask, run, sql } from './steps.ts';
import { psql } from '../tools/psql.ts';

/** A reload, and the proof that the postmaster has read its files: it happens some time after the signal. */
export function reloadSteps(node: string, socket: Socket, lane?: string): readonly Step[] {
  const loaded = `loaded_${node.replace(/[^A-Za-z0-9]/g, '_')}`;
  const extra = lane === undefined ? {} : { lane };
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
