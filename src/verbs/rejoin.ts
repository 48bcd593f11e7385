import type { Action } from '../action.ts';

export const rejoin: Action = async () => {
  throw new Error('rejoin is being written');
};
