import type { Action } from '../program.ts';
export const render: Action = async () => undefined;
