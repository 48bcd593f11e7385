import type { NodeState } from '../facts/state.ts';
import { passfileOf, passfileText, type Link } from '../plan/link.ts';
import { parseConninfo } from '../render/conninfo.ts';
import type { Ask } from '../run/asking.ts';
import { IS_SAME, script } from '../tools/shell.ts';
import { Secret } from '../tools/words.ts';

/**
 * Whether the password file that pgrepl wrote for a standby holds another password than the wanted one: it was
 * changed since, and the standby streams on until its connection ends. A file of somebody else's is theirs.
 */
export async function hasStalePassword(
  found: NodeState | undefined,
  link: Pick<Link, 'role' | 'password'>,
  ask: Ask,
): Promise<boolean> {
  if (found?.is !== 'standby' || link.password === undefined) return false;
  const path = passfileOf(found.place.real);
  if (parseConninfo(found.conninfo)?.['passfile'] !== path) return false;
  const text = passfileText({ role: link.role, password: link.password });
  const stdin = text.map((part) => (part instanceof Secret ? part.reveal() : String(part))).join('');
  const { code, stdout } = await ask(found.node, script(IS_SAME, 'same', path), { stdin, seconds: 30 });
  return code === 0 && stdout.trim() === 'other';
}
