import type { Problem } from '../../errors.ts';
import type { Up } from '../steps.ts';

/** Left over from a restore, they would end the recovery of a standby somewhere (runtime-config-wal, Recovery Target). */
const TARGETS = [
  'recovery_target',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_xid',
];

/** Targets of a restore that a primary has left: they count again when it is a standby. */
export function targetGates(found: Up): readonly Problem[] {
  return TARGETS.filter((name) => valueOf(found, name) !== '').map((name) => ({
    message: `${found.node}: ${name} is set, and as a standby it would stop there`,
    hint: `Take ${name} out of the configuration of ${found.node}, and reload it.`,
  }));
}

/** A standby that stays on its timeline is lost with the next promotion. */
export function timelineGates(found: Up): readonly Problem[] {
  const value = valueOf(found, 'recovery_target_timeline');
  if (['', 'latest'].includes(value)) return [];
  return [
    {
      message: `${found.node}: recovery_target_timeline is ${value}, and it would not follow the new timeline`,
      hint: `Set recovery_target_timeline = 'latest' on ${found.node}.`,
    },
  ];
}

function valueOf({ server }: Up, name: string): string {
  return server.settings[name]?.value ?? '';
}
