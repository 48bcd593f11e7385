import { conninfo } from '../render/conninfo.ts';
import { DROP_SLOT, MAKE_SLOT } from '../tools/slot.ts';
import { script } from '../tools/shell.ts';
import type { Argv, Text } from '../tools/words.ts';
import type { Link } from './link.ts';
import type { Step } from './plan.ts';
import type { Source } from './source.ts';
import { run, type Seen } from './steps.ts';

/** The upstream by the replication protocol, as psql is told. */
export function replicationPsql(psql: string, link: Link): readonly string[] {
  return [psql, '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-d', replicationConninfo(link)];
}

/** The connection of a walreceiver, for a question. */
export function replicationConninfo(link: Link): string {
  return conninfo({
    host: link.host,
    port: String(link.port),
    user: link.role,
    replication: 'true',
    connect_timeout: '10',
    ...(link.passfile === undefined ? {} : { passfile: link.passfile }),
  });
}

/** Under this name the step that makes the slot says whether it was made, or there before. */
const MADE = 'slot';

type At = { found: Seen; link: Link; upstream: string; source: Source };

/** A slot that is there and holds WAL serves; one that is lost, or holds nothing, is made anew, reserved. */
export function upstreamSlotSteps({ found, link, upstream, source }: At): readonly Step[] {
  const { slot } = link;
  const known = source.slots?.known.find(({ name }) => name === slot);
  if (known?.reserved === true && !known.lost) return [];
  const psql = replicationPsql(found.machine.programs.psql ?? 'psql', link);
  const input = { stdin: passwordLine(link) };
  const why = `drop the slot ${slot} at ${upstream}: it ${known?.lost === true ? 'is lost' : 'holds nothing'}`;
  const drop =
    known === undefined
      ? []
      : [run(found.node, why, script(DROP_SLOT, 'slot', slot, 'made', ...psql), input)];
  const make = script(MAKE_SLOT, 'slot', slot, 'RESERVE_WAL', ...psql);
  return [
    ...drop,
    run(found.node, `a slot at ${upstream} that holds WAL from now on`, make, { ...input, capture: MADE }),
  ];
}

/**
 * Drops the slot again, if this run made it. A slot that was there and held nothing, or was lost, comes back as one
 * that holds nothing.
 */
export function undoSlotSteps({ found, link, source }: Omit<At, 'upstream'>): readonly Step[] {
  const known = source.slots?.known.find(({ name }) => name === link.slot);
  if (known?.reserved === true && !known.lost) return [];
  const psql = replicationPsql(found.machine.programs.psql ?? 'psql', link);
  const argv: Argv = [...script(DROP_SLOT, 'slot', link.slot), { ref: MADE }, ...psql];
  const input = { stdin: passwordLine(link) };
  const drop = run(found.node, `drop the slot ${link.slot} again`, argv, input);
  if (known === undefined) return [drop];
  const make = script(MAKE_SLOT, 'slot', link.slot, '', ...psql);
  return [drop, run(found.node, `the slot ${link.slot} as it was: it holds nothing`, make, input)];
}

/** Always a line: an empty one is no password. */
function passwordLine(link: Link): Text {
  return link.password === undefined ? ['\n'] : [link.password, '\n'];
}
