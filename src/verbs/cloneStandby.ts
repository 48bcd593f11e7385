import type { Action } from '../program.ts';
export const cloneStandby: Action = async () => undefined;
