import type { Action } from '../program.ts';
export const status: Action = async () => undefined;
