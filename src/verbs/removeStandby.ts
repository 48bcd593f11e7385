import type { Action } from '../program.ts';
export const removeStandby: Action = async () => undefined;
