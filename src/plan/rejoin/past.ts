import type { NodeState } from '../../facts/state.ts';
import type { Past } from '../divergence.ts';
import { endOf } from '../follow.ts';
import { endedCleanly, type NodePast } from './rewind.ts';

type Known = Extract<NodeState, { is: 'stopped' | 'standby' | 'primary' }>;

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
