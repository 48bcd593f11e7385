import type { Machine, Place } from '../../facts/state.ts';

/** Beside the data, since pg_rewind removes what its source has not. Where nobody may write there, in /var/tmp. */
export function workingDirectory(place: Place): string {
  return place.parentWritable ? `${place.real}.pgrepl-rewind` : `/var/tmp/pgrepl-rewind${flat(place.real)}`;
}

/** What is kept ends inside a directory that cannot have neighbours. */
export function keptDirectory(place: Place, timeline: number, stamp: string): string {
  const name = `pgrepl-lost-${timeline}-${stamp}`;
  return place.parentWritable && !place.mountPoint ? `${place.real}.${name}` : `${place.real}/.${name}`;
}

function flat(path: string): string {
  return path.replaceAll('/', '_');
}

/** It is in every package with the server's own programs, and beside them. */
export function waldumpOf({ programs }: Machine): string {
  return (programs.postgres ?? '').replace(/postgres$/, 'pg_waldump');
}
