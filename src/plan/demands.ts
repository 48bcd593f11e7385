import { samePath } from '../cluster/path.ts';
import type { Problem } from '../errors.ts';
import { effective } from './effective.ts';
import { isUp, type Seen } from './steps.ts';

/**
 * What the command line says about how a server is made. One that is made gets it; one that is there already must have
 * it. A permission (--replace, --yes, --no-restart) is none of these: it may turn out not to be needed.
 */
export type Demands = {
  port?: number;
  waldir?: string;
  /** Old location to new location. */
  tablespaces?: Readonly<Record<string, string>>;
};

/** What is demanded of a server that is there, and is otherwise: such a flag would have no effect. */
export function unmetDemands(found: Seen, demands: Demands = {}): readonly Problem[] {
  return [
    ...(demands.port === undefined ? [] : otherPort(found, demands.port)),
    ...(demands.waldir === undefined ? [] : otherWal(found, demands.waldir)),
    ...Object.values(demands.tablespaces ?? {}).flatMap((location) => otherSpace(found, location)),
  ];
}

/** A server that does not run starts on the port of its files. */
export function otherPort(found: Seen, port: number): readonly Problem[] {
  const now = isUp(found) ? found.server.port : Number(effective(found, 'port')?.value ?? port);
  if (now === port) return [];
  const verb = isUp(found) ? 'listens on' : 'is set to';
  return [
    {
      message: `${found.node}: --port ${port} has no effect: the server ${verb} port ${now}`,
      hint: `Leave --port out, or name ${now}.`,
    },
  ];
}

function otherWal({ node, place }: Seen, waldir: string): readonly Problem[] {
  const { walLink, walNamed } = place;
  if ([walLink, walNamed].some((path) => path !== undefined && samePath(path, waldir))) return [];
  const there = walLink === undefined ? `in ${place.pgdata} itself` : `in ${walLink}`;
  return [
    {
      message: `${node}: --waldir ${waldir} has no effect: the server is there already, with its WAL ${there}`,
      hint: 'Leave --waldir out. To move WAL, stop the server, move pg_wal, and put a link in its place.',
    },
  ];
}

/** By the links, with links in their own paths resolved or not. */
function otherSpace(found: Seen, location: string): readonly Problem[] {
  const spaces = isUp(found) ? found.server.tablespaces : [];
  const there = [...new Set([...spaces, ...found.place.tablespaces].map((space) => space.location))];
  if (there.some((path) => samePath(path, location))) return [];
  const where = there.length === 0 ? 'it has no tablespaces' : `its tablespaces are in ${there.join(', ')}`;
  return [
    {
      message: `${found.node}: --tablespace-mapping to ${location} has no effect: the standby is there already, and ${where}`,
      hint: 'Leave it out.',
    },
  ];
}
