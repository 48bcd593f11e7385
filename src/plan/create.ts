import type { Node } from '../cluster/types.ts';
import type { Problem } from '../errors.ts';
import type { NodeState, Place } from '../facts/state.ts';
import type { Step } from './plan.ts';
import { run } from './steps.ts';

const DEFAULT_PORT = 5432;

export function portOf(node: Node): number {
  return node.port ?? DEFAULT_PORT;
}

/** What a new cluster's pg_hba.conf says: the owner by the socket, everybody else with a password. */
export const NEW_HBA = `# PostgreSQL client authentication: the first record that matches decides.
local   all   all                  peer
host    all   all   127.0.0.1/32   scram-sha-256
host    all   all   ::1/128        scram-sha-256
`;

/** Whether the directory can be made where it is wanted. */
export function placeProblems(found: Extract<NodeState, { place: Place }>): readonly Problem[] {
  const { place, machine } = found;
  const owner = machine.become ?? machine.login;
  return [
    ...place.obstacles.map((path) => ({
      message: `${found.node}: ${path} is in the way: it has the name of our staging directory and was not made by pgrepl`,
      hint: 'Move it away.',
    })),
    ...(place.creatable || (place.exists && !place.foreignOwner) || machine.login === 'root'
      ? []
      : [
          {
            message: `${found.node}: ${owner} may not create ${place.pgdata}`,
            hint: `Create the directory for ${owner}, or run it as root.`,
          },
        ]),
  ];
}

/** The directory for the owner, where only root can make or give it. */
export function ownerSteps(found: Extract<NodeState, { place: Place }>): readonly Step[] {
  const { place, machine } = found;
  const needed = place.foreignOwner || (!place.creatable && !place.exists);
  if (!needed || machine.login !== 'root') return [];
  const owner = machine.become ?? machine.login;
  return [
    run(found.node, `a directory for ${owner}`, ['install', '-d', '-o', owner, '-m', '0700', place.real], {
      asLogin: true,
    }),
  ];
}
