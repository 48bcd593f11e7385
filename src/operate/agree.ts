import { PgreplError } from '../errors.ts';
import { lookAgain } from './look.ts';
import type { Planned, Talk, Work } from './verb.ts';

/**
 * Asks before something is removed or replaced, and looks again after the answer: a person may have thought it over
 * for an hour. What is asked then must be what was answered, else it is asked anew.
 */
export async function agree(work: Work, planned: Planned): Promise<Planned> {
  const asked = planned.plan.confirm ?? [];
  if (asked.length === 0 || work.mode.yes) return planned;
  await askFirst(asked, work.talk);
  const state = await lookAgain(work);
  const plan = await work.plan(state);
  if (plan.refusals.length > 0) throw new PgreplError('refused', plan.refusals);
  const same = JSON.stringify(plan.confirm ?? []) === JSON.stringify(asked);
  return same ? { plan, state } : agree(work, { plan, state });
}

/** Without a terminal nobody can be asked, and what removes or replaces something is not done unasked. */
async function askFirst(questions: readonly string[], talk: Talk): Promise<void> {
  if (await talk.confirm(questions)) return;
  throw new PgreplError(
    'refused',
    questions.map((message) => ({
      message: `it would ${message}, and nobody said yes`,
      hint: 'With --yes it is done without asking.',
    })),
  );
}
