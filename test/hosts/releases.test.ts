import { pairGrows, pairToFan } from './lab/pair.ts';
import { story } from './lab/lab.ts';

for (const [debian, major] of [
  [11, 13],
  [13, 17],
  [14, 18],
] as const) {
  story(`a pair on Debian ${debian} with PostgreSQL ${major}, in a directory of its own`, (lab) =>
    pairGrows(lab, { debian }),
  );
  story(`a pair on Debian ${debian} with PostgreSQL ${major}, in the layout of Debian`, (lab) =>
    pairGrows(lab, { debian, login: 'root', pgdata: `${major}/main` }),
  );
  story(`a pair, a chain and a fan of four on Debian ${debian} with PostgreSQL ${major}`, (lab) =>
    pairToFan(lab, { debian }),
  );
}
