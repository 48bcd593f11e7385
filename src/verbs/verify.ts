import type { Action } from '../program.ts';
export const verify: Action = async () => undefined;
