import type { Lsn } from '../../facts/lsn.ts';
import type { ControlData, NodeState } from '../../facts/state.ts';
import type { History, Past } from '../divergence.ts';
import { endOf } from '../follow/gates.ts';
import type { Seen } from '../steps.ts';

/**
 * What a node's host told of its past. `record` is where the last whole record of its WAL begins, `end` where that
 * WAL ends: with the last segment, where it is one of the two.
 */
export type NodePast = {
  history: History;
  record?: Lsn;
  end?: Lsn;
  /** The last sixteen digits of the first segment that it still has. */
  oldest?: string;
  /** A rewind that did not come to its end; `stuck` is one that cannot be done again. */
  rewinding?: 'begun' | 'done' | 'stuck';
  /**
   * What the node was before that: its history, its end, its connection; where the server that it was rewound to had
   * branched off, and the name of that one.
   */
  kept?: { history: History; from: Lsn; last?: Lsn; conninfo: string; source: string };
  /** Its data are consistent only where its own WAL does not go. */
  short?: true;
  /** The machine was not down since that began: what was written and not synced is there. */
  sameBoot?: true;
  /** pg_rewind still runs: whoever started it is gone. */
  busy: boolean;
};

/** A node of which something is known to have been written. */
export type Known = Extract<NodeState, { is: 'stopped' | 'standby' | 'primary' }>;

export function isKnown(found: Seen): found is Known {
  return found.is === 'stopped' || found.is === 'standby' || found.is === 'primary';
}

/** What it has behind it, as far as that is known. */
export function pastOf(found: Known, asked: { past: NodePast; caughtUp: boolean }): Past {
  const { history, record, end } = asked.past;
  switch (found.is) {
    case 'primary':
      return { history, record: found.current };
    case 'standby': {
      const received = endOf(found, asked.caughtUp);
      return received === undefined ? { history } : { history, end: received };
    }
    case 'stopped': {
      const { control } = found;
      if (control !== undefined && endedCleanly(control)) return { history, record: control.checkpoint };
      if (record !== undefined) return { history, record };
      return end === undefined ? { history } : { history, end };
    }
  }
}

/** A primary that was stopped: its shutdown checkpoint is its last record. */
export function endedCleanly(control: ControlData): boolean {
  return control.state === 'shut down';
}
