import { chainGrows, fanGrows } from './lab/grow.ts';
import { story } from './lab/lab.ts';

story('a chain: the second streams from the primary, the third from the second', (lab) => chainGrows(lab));

story('a fan of four: everybody follows the one that is promoted', (lab) => fanGrows(lab));
