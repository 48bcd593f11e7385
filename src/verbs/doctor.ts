import type { Action } from '../program.ts';
export const doctor: Action = async () => undefined;
