import { chainGrows, fanGrows } from './lab/grow.ts';
import { story } from './lab/lab.ts';

for (const [debian, major] of [
  [11, 13],
  [13, 17],
  [14, 18],
] as const) {
  story(
    `a chain on Debian ${debian} with PostgreSQL ${major}: the second streams from the primary, the third from the second`,
    (lab) => chainGrows(lab, { debian }),
  );
  story(
    `a fan of four on Debian ${debian} with PostgreSQL ${major}: everybody follows the one that is promoted`,
    (lab) => fanGrows(lab, { debian }),
  );
}
