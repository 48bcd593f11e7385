import type { Problem } from '../../errors.ts';
import type { Wal } from '../attach.ts';
import type { Plan } from '../plan.ts';
import type { RejoinRequest, RejoinAsked } from './request.ts';
import type { Cast } from './cast.ts';

export type Asked = RejoinAsked & { wal: Wal };

export type Climb = Cast & Asked & { request: RejoinRequest };

/** A rung that will do, or why it will not. */
export type Rung = { plan: Omit<Plan, 'title' | 'refusals'> } | { why: readonly Problem[] };

export function onlyCopy({ found, primary }: Climb): Problem {
  return {
    message: `${found.node}: only a new copy of ${primary.node} is left`,
    hint:
      found.is === 'empty'
        ? `pgrepl clone-standby ${found.node} makes one`
        : `pgrepl rejoin ${found.node} --allow-reclone copies it anew and keeps the old directory`,
  };
}
