import type { Action } from '../program.ts';

export const rejoin: Action = async () => {
  throw new Error('rejoin is being written');
};
