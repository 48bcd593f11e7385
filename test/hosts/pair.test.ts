import { pairGrows } from './lab/pair.ts';
import { story } from './lab/lab.ts';

story('a pair over SSH, as root, in the layout of Debian', (lab) =>
  pairGrows(lab, { login: 'root', pgdata: '15/main' }),
);

story('a pair over SSH, as postgres, in a directory of its own', (lab) =>
  pairGrows(lab, { login: 'postgres' }),
);
