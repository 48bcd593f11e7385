import { timelineOf, type StandbyState } from '../../facts/view.ts';
import type { Socket } from '../../tools/psql.ts';
import { sqlLiteral } from '../../tools/words.ts';
import { SHUTDOWN } from './handover.ts';
import type { Link } from '../link.ts';
import type { Step } from '../plan.ts';
import { ask, socketOf, type Up } from '../steps.ts';

export function replayed(candidate: StandbyState, seconds: number): Step {
  return ask(
    candidate.node,
    `${candidate.node} has replayed every byte of it`,
    socketOf(candidate),
    [`SELECT pg_last_wal_replay_lsn() > '`, { ref: SHUTDOWN }, `'::pg_lsn;`],
    't',
    seconds,
  );
}

export function takesWrites(found: Up, seconds: number): Step {
  const why = `${found.node} takes writes`;
  return ask(found.node, why, socketOf(found), ['SELECT NOT pg_is_in_recovery();'], 't', seconds);
}

/** The standby's own word that it streams what the new primary writes. */
export function followsStep(
  name: string,
  socket: Socket,
  upstream: StandbyState,
  { slot }: Link,
  seconds: number,
): Step {
  const timeline = timelineOf(upstream) ?? 0;
  return ask(
    name,
    `it streams from ${upstream.node}`,
    socket,
    [
      `SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND slot_name = ${sqlLiteral(slot)} AND received_tli > ${timeline});`,
    ],
    't',
    seconds,
    { lane: name },
  );
}
