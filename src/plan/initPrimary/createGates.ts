import type { Node } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import { placeProblems, portOf } from '../create.ts';
import { ownerOf } from '../steps.ts';
import type { Empty } from './createCluster.ts';

/** Why no cluster can be created there; all reasons. */
export function whyNotCreated(found: Empty, node: Node): readonly Problem[] {
  const port = portOf(node);
  const { machine, place } = found;
  return [
    ...(machine.programs.initdb === undefined && place.service.by !== 'pg_ctlcluster'
      ? [
          {
            message: `${found.node}: no initdb is there${node.bindir === undefined ? '' : ` in ${node.bindir}`}`,
            hint: 'Install the PostgreSQL server, or name its programs with --bindir.',
          },
        ]
      : []),
    ...otherSuperuser(found, node),
    ...(place.listening.includes(port)
      ? [
          {
            message: `${found.node}: port ${port} is taken`,
            hint: 'Name another port with --port, or stop who listens there.',
          },
        ]
      : []),
    ...diskTooSmall(found),
    ...placeProblems(found),
  ];
}

/** What initdb writes (40 MB in 15), and a segment of WAL more. */
const NEEDED_MB = 64;

function diskTooSmall({ node, place: { pgdata, freeBytes } }: Empty): readonly Problem[] {
  const free = Math.floor(freeBytes / 1024 ** 2);
  // 0 where it is not known.
  if (freeBytes === 0 || free >= NEEDED_MB) return [];
  return [
    {
      message: `${node}: ${NEEDED_MB} MB are needed for a new cluster, and ${free} MB are free for ${pgdata}`,
      hint: 'Make room, or name a directory on a larger disk.',
    },
  ];
}

/** A superuser of another name could not log in by peer without a map in pg_ident.conf, which pgrepl does not write. */
function otherSuperuser(found: Empty, node: Node): readonly Problem[] {
  const owner = ownerOf(found);
  if (node.superuser === undefined || node.superuser === owner) return [];
  return [
    {
      message: `${found.node}: no server is there yet, and the superuser of a new one is ${owner}, not ${node.superuser}`,
      hint: `Leave superuser out, or make the cluster yourself (initdb -U ${node.superuser}) and run this again: it is adopted.`,
    },
  ];
}
