import type { Action } from '../program.ts';
export const promote: Action = async () => undefined;
