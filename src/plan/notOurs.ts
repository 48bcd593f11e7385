import type { Problem } from '../errors.ts';
import type { NodeState } from '../facts/state.ts';

/** A directory that is neither empty nor a data directory is never touched. */
export function notOurs(found: Extract<NodeState, { is: 'foreign' }>): Problem {
  const some = found.found.slice(0, 3).join(', ');
  return {
    message: `${found.node}: ${found.place.pgdata} is not empty and no data directory: ${some}${found.found.length > 3 ? ', …' : ''} is there`,
    hint: 'Name another directory with --pgdata, or move what is there away.',
  };
}
