import type { Problem } from '../../errors.ts';
import type { Up } from '../steps.ts';

/** Where a server is asked: it must be the same place after its restart. */
const PLACES = ['port', 'unix_socket_directories'];

/** A setting as it will be when the server has been restarted: its files may say another one (pg_file_settings). */
export function atNextStart({ server }: Up, name: string): string | undefined {
  const now = server.settings[name];
  if (now?.pendingRestart !== true) return now?.value;
  return server.fileSettings.findLast((each) => each.name === name)?.value ?? now.value;
}

/** The old primary would come back elsewhere than where it, and its upstream, are looked for. */
export function placeGates(primary: Up): readonly Problem[] {
  return PLACES.filter((name) => primary.server.settings[name]?.pendingRestart === true).map((name) => ({
    message: `${primary.node}: ${name} waits for a restart, and after the switchover it would be elsewhere`,
    hint: `Restart it first, with the new ${name} in the cluster file, or take the change back.`,
  }));
}
