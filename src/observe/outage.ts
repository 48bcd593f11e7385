import type { ClusterState } from '../facts/state.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { STOP } from '../plan/switchover/handover.ts';
import { psql, type Socket } from '../tools/psql.ts';
import { LEASH, script } from '../tools/shell.ts';
import type { Stream } from '../run/spawn.ts';

/** A write that needs no table: a transaction id, and its commit. A server in recovery has none to give. */
const WRITES = `SELECT txid_current() \\watch 0.005\n`;
const WRITES_ONCE_IT_MAY = `SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE txid_current()::text END \\watch 0.005\n`;

/** A client that measures beside the steps of a plan. */
export type Beside = (
  plan: Plan,
  state: ClusterState,
  signal: AbortSignal,
) => { stepStarted?: (step: Step) => void; stepDone: (step: Step) => void; end: () => Promise<void> };

export type Meter = {
  beside: Beside;
  result: () => Readonly<Record<string, unknown>>;
};

type Times = { lastOld?: number; firstNew?: number; promotionBegan?: number; promotionEnded?: number };

/** Where the two ends of an outage are looked for; a promotion after a crash has one end alone. */
export type Ends = {
  candidate: string;
  start: (node: string, argv: readonly string[], stdin: string, onLine: (line: string) => void) => Stream;
  old?: { node: string; socket: Socket };
  fresh?: { node: string; socket: Socket };
};

/**
 * Measures the time in which no client could write: from the last write that the old primary acknowledged to the
 * first that the new one did, both made by clients of ours beside the steps. Where one end is not seen,
 * writeOutageMs is null, and the promotion alone is told.
 */
export function outageMeter(ends: (state: ClusterState) => Ends): Meter {
  const times: Times = {};
  return {
    beside: (_plan, state) => {
      const { candidate, old, fresh, start } = ends(state);
      const streams: Stream[] = [];
      if (old !== undefined && fresh !== undefined) {
        streams.push(start(old.node, clientOf(old.socket), WRITES, (line) => seen(times, 'lastOld', line)));
        streams.push(
          start(fresh.node, clientOf(fresh.socket), WRITES_ONCE_IT_MAY, (line) =>
            seen(times, 'firstNew', line),
          ),
        );
      }
      return {
        stepStarted: (step) => {
          if (step.node === candidate && step.why.startsWith('promote'))
            times.promotionBegan = performance.now();
          if (step.why === STOP) times.lastOld ??= performance.now();
        },
        stepDone: (step) => {
          if (step.node === candidate && step.why === 'it takes writes')
            times.promotionEnded = performance.now();
        },
        end: async () => void (await Promise.all(streams.map((each) => each.end()))),
      };
    },
    result: () => told(times),
  };
}

function clientOf(socket: Socket): readonly string[] {
  return script(LEASH, 'leash', ...psql(socket));
}

/** psql's \watch prints a line for the time, a line for the value; a value is a number. */
function seen(times: Times, which: 'lastOld' | 'firstNew', line: string): void {
  if (!/^\d+$/.test(line.trim())) return;
  if (which === 'lastOld') times.lastOld = performance.now();
  else times.firstNew ??= performance.now();
}

function told(times: Times): Readonly<Record<string, unknown>> {
  const { lastOld, firstNew, promotionBegan, promotionEnded } = times;
  const writeOutageMs =
    lastOld === undefined || firstNew === undefined ? null : Math.max(0, Math.round(firstNew - lastOld));
  return {
    writeOutageMs,
    ...(promotionBegan === undefined || promotionEnded === undefined
      ? {}
      : { promotionMs: Math.round(promotionEnded - promotionBegan) }),
  };
}
