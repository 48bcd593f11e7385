import { pairGrows } from './lab/pair.ts';
import { story } from './lab/lab.ts';

story('a pair of containers without sshd', (lab) => pairGrows(lab, { via: 'docker', login: 'root' }));
