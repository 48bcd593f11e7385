import { has, type ServerVersion } from '../cluster/version.ts';
import { sqlLiteral } from '../tools/words.ts';
import type { Step } from './plan.ts';
import { ask, inLane } from './steps.ts';

/** pg_stat_wal_receiver tells the sender's host and port from 11 on. */
const SENDER_SHOWN = 110000 as ServerVersion;

/** The standby's own word that it streams, and is at least at a position. `past` asks for more than that position. */
export function streamingStep(
  node: string,
  why: string,
  socket: Parameters<typeof ask>[2],
  input: {
    host: string;
    port: number;
    slot: string;
    lsn: string;
    past: boolean;
    version: ServerVersion;
    seconds: number;
  },
  lane?: string,
): Step {
  const sender = has(input.version, SENDER_SHOWN)
    ? ` AND (sender_port = ${input.port} OR sender_port IS NULL)`
    : ` AND conninfo ~ ${sqlLiteral(`(^| )port=${input.port}( |$)`)}`;
  const streams = `EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND slot_name = ${sqlLiteral(input.slot)}${sender})`;
  const moved = `coalesce(pg_last_wal_replay_lsn() ${input.past ? '>' : '>='} ${sqlLiteral(input.lsn)}::pg_lsn, false)`;
  return ask(node, why, socket, [`SELECT ${streams} AND ${moved};`], 't', input.seconds, inLane(lane));
}
