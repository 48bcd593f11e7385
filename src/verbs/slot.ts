import type { Action } from '../program.ts';
export const slotList: Action = async () => undefined;
export const slotCreate: Action = async () => undefined;
export const slotDrop: Action = async () => undefined;
