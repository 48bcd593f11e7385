import { REMOVE_MADE, REMOVE_STAGING } from '../../tools/staging.ts';
import { script } from '../../tools/shell.ts';
import { ownerSteps } from '../create.ts';
import type { Step } from '../plan.ts';
import type { Source } from '../source.ts';
import { run, type Seen } from '../steps.ts';

/** Removing or moving a large directory may take its time. */
export const LONG = { seconds: 3600 };

export function removeStaging(found: Seen, why: string): Step {
  return run(found.node, why, script(REMOVE_STAGING, 'remove', found.place.staging), LONG);
}

/**
 * Takes back what a copy makes before the old directory is touched: the copy, the directories that were not there
 * when it began, and whose an empty one was that root gave to the owner.
 */
export function undoCopySteps(found: Seen, source: Source): readonly Step[] {
  const { place, node } = found;
  const asRoot = ownerSteps(found).length > 0 ? ({ asLogin: true } as const) : {};
  const paths = [
    ...(source.targets ?? []).filter(({ path }) => path !== place.real),
    { ...place, path: place.real },
  ];
  const made = paths.filter(({ path, nearest }) => path !== nearest);
  return [
    removeStaging(found, 'remove the half-made copy'),
    ...(made.length === 0
      ? []
      : [
          run(
            node,
            'remove the empty directories that were made for it',
            script(REMOVE_MADE, 'made', ...made.flatMap(({ path, nearest }) => [nearest, path])),
            asRoot,
          ),
        ]),
    ...givenBack(found),
  ];
}

function givenBack(found: Seen): readonly Step[] {
  const { real, foreignOwner, owner, mode } = found.place;
  if (!foreignOwner || owner === undefined || mode === undefined || ownerSteps(found).length === 0) return [];
  const argv = ['install', '-d', '-o', owner, '-m', mode, real];
  return [run(found.node, `the directory for ${owner} again`, argv, { asLogin: true })];
}
