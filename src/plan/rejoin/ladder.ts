import type { Problem } from '../../errors.ts';
import type { Plan } from '../plan.ts';
import { onlyCopy, type Climb } from './rung.ts';
import { rungOfStart } from './startRung.ts';
import { rungOfRewind } from './rewindRung.ts';
import { rungOfCopy } from './copyRung.ts';

export function planLadder(climb: Climb, title: string): Plan {
  const rungs = [rungOfStart, rungOfRewind].map((rung) => rung(climb));
  const skipped: Problem[] = [running(climb)];
  for (const rung of rungs) {
    if ('plan' in rung) return done(title, rung.plan, skipped);
    skipped.push(...rung.why);
  }
  const reasons = skipped.slice(1);
  if (!climb.request.allowReclone)
    return {
      title,
      refusals: [...reasons, onlyCopy(climb)],
      steps: [],
    };
  const copied = rungOfCopy(climb);
  return 'plan' in copied ? done(title, copied.plan, skipped) : { title, refusals: copied.why, steps: [] };
}

function done(title: string, plan: Omit<Plan, 'title' | 'refusals'>, skipped: readonly Problem[]): Plan {
  return {
    title,
    refusals: [],
    ...plan,
    notes: [...skipped.map(({ message }) => message), ...(plan.notes ?? [])],
  };
}

function running({ found, primary }: Climb): Problem {
  switch (found.is) {
    case 'primary':
      return { message: `${found.node}: takes writes, a second primary beside ${primary.node}` };
    case 'standby':
      return { message: `${found.node}: runs as a standby, and does not stream from ${primary.node}` };
    case 'stopped':
      return { message: `${found.node}: does not run (${found.control?.state ?? 'state unknown'})` };
    case 'empty':
      return { message: `${found.node}: ${found.place.pgdata} is empty` };
    case 'mute':
    case 'foreign':
      return { message: `${found.node}: a server runs and does not answer` };
  }
}
