// Every case measures the bare programs and pgrepl in turns, in one run, so that a busy machine is busy for both.
import { measureClone } from './clone.js';
import { GIGABYTE } from './lab.js';
import { measurePromote } from './promote.js';
import { measureRejoin } from './rejoin.js';
import { measureStart } from './start.js';
import { measureStatus } from './status.js';
import { measureSwitchover } from './switchover.js';

/** name: what --only takes; runs: how often where nobody says; limit: what the project promises of the ratio. */
export const CASES = [
  { name: 'start', runs: 31, measure: measureStart },
  { name: 'clone-empty', runs: 7, measure: (lab) => measureClone(lab, undefined, 'clone, empty', 2) },
  { name: 'clone-1g', runs: 5, measure: (lab) => measureClone(lab, GIGABYTE, 'clone, 1 GB', 1.1) },
  { name: 'promote', runs: 7, measure: measurePromote },
  { name: 'switchover-idle', runs: 7, measure: (lab) => measureSwitchover(lab, 0) },
  { name: 'switchover-load', runs: 7, measure: (lab) => measureSwitchover(lab, 4) },
  { name: 'rejoin', runs: 3, measure: measureRejoin },
  { name: 'status', runs: 7, measure: measureStatus },
];
