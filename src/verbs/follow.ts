import type { Action } from '../program.ts';

export const follow: Action = async () => {
  throw new Error('follow is being written');
};
