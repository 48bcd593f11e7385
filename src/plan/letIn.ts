import { parseHba, decides, ruleFor } from '../render/hba.ts';
import { fileSteps } from './configFiles.ts';
import type { Step } from './plan.ts';
import { isStale, reloadSteps } from './reload.ts';
import { socketOf, type Up } from './steps.ts';

/** Whether `letInSteps` changes what the server goes by for these. */
export function isLetIn(found: Up, role: string, addresses: readonly string[]): boolean {
  return isStale(found) || addresses.some((address) => !isDecided(found, role, address));
}

/** Whether a record of pg_hba.conf decides about a replication connection from there, whatever it decides. */
function isDecided({ place }: Up, role: string, address: string): boolean {
  const { hba } = place.files;
  if (hba === undefined) return true;
  const { records } = parseHba(hba.text);
  return [true, false].some(
    (ssl) => decides(records, { replication: true, user: role, address, ssl }) !== undefined,
  );
}

/**
 * Lets in whoever is to follow it and is not in its pg_hba.conf yet: a standby has the rules that its upstream had when
 * it was copied, and nodes come and go. Whoever people turn away stays turned away.
 */
export function letInSteps(found: Up, role: string, addresses: readonly string[]): readonly Step[] {
  if (!isLetIn(found, role, addresses)) return [];
  const missing = addresses.filter((address) => !isDecided(found, role, address));
  const rules = missing.map((address) => ruleFor(role, address));
  return [...fileSteps(found, {}, rules), ...reloadSteps(found.node, socketOf(found))];
}
