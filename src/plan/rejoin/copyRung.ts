import type { CloneRequest } from '../clone/cloneRequest.ts';
import { copySteps } from '../clone/copy.ts';
import { copyGates } from '../clone/copyGates.ts';
import { placeProblems } from '../create.ts';
import { abandonSteps } from './rewind.ts';
import { isUp, type Seen } from '../steps.ts';
import { onlyCopy, type Climb, type Rung } from './rung.ts';

/** The primary is copied anew beside it, and what is there is moved aside. */
export function rungOfCopy(climb: Climb): Rung {
  const { found, primary, link, source, request } = climb;
  if (found.is === 'mute' || typeof source === 'string' || 'problems' in source)
    return { why: [onlyCopy(climb)] };
  const { node, stamp, seconds } = request;
  const clone: CloneRequest = {
    node,
    upstream: primary.node,
    link,
    source,
    replace: true,
    tablespaces: node.tablespaces ?? {},
    stamp,
    seconds,
    ...(node.waldir === undefined ? {} : { waldir: node.waldir }),
  };
  const gates = copyGates(found, clone, source);
  const why = [...placeProblems(found), ...gates.refusals];
  if (why.length > 0) return { why };
  const aside = asideOf(found, stamp);
  const moved = found.is === 'empty' ? {} : { aside };
  const copied = copySteps({ found, request: clone, source, ...moved });
  return {
    plan: {
      ...copied,
      steps: [...copied.steps, ...abandonSteps(found, climb.past, stamp)],
      confirm: [
        ...(found.is === 'empty'
          ? []
          : [
              `copy ${primary.node} anew and move ${found.place.pgdata} of ${found.node} aside to ${aside}${isUp(found) ? ', after stopping its server' : ''}`,
            ]),
        ...gates.confirm,
      ],
      notes: gates.notes,
    },
  };
}

function asideOf({ place }: Seen, stamp: string): string {
  const { real, mountPoint, parentWritable } = place;
  return mountPoint || !parentWritable ? `${real}/.pgrepl-old-${stamp}` : `${real}.pgrepl-old-${stamp}`;
}
