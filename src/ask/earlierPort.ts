import type { NodeState } from '../facts/state.ts';
import type { Ask } from '../run/asking.ts';

/** The port that the mark of a half-made copy says: MAKE_STAGING wrote it. */
export async function askEarlierPort(found: NodeState | undefined, ask: Ask): Promise<number | undefined> {
  if (found?.is !== 'empty' || !found.place.staged) return undefined;
  const argv = ['sed', '-n', 's/^port //p', `${found.place.staging}/pgrepl`];
  const { code, stdout } = await ask(found.node, argv, { seconds: 30 });
  return code === 0 && stdout.trim() !== '' ? Number(stdout) : undefined;
}
