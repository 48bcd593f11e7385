import { randomBytes } from 'node:crypto';
import type { Action } from './action.ts';
import { addressesOf, allowed } from '../cluster/addresses.ts';
import { pathFault } from '../cluster/path.ts';
import { failure, together } from '../errors.ts';
import { passwordOf } from '../cluster/password.ts';
import { planInitPrimary } from '../plan/initPrimary/initPrimary.ts';
import { nodeRows } from '../report/rows.ts';
import { matchesVerifier, scramVerifier } from '../secrets/scram.ts';
import { findTarget } from '../cluster/target.ts';
import { list, perform, targetFlags, text } from './modes.ts';

export const initPrimary: Action = async ([name], flags) => {
  const target = findTarget(name, targetFlags(flags), 'node');
  const [{ cluster, node }, secret, given] = await together(
    target,
    target.then((found) => passwordOf(found.cluster)),
    allowed(list(flags, 'allow')),
    possiblePath(text(flags, 'waldir')),
  );
  const allow = await addressesOf(cluster, node, given);
  const asked = text(flags, 'waldir');
  const waldir = asked ?? node.waldir;
  return perform(
    {
      command: 'init-primary',
      cluster,
      nodes: [node],
      plan: async (state) => {
        const password = await secret();
        return planInitPrimary(cluster, state, {
          node,
          role: cluster.replication.role,
          allow,
          restart: flags['restart'] !== false,
          ...(waldir === undefined ? {} : { waldir }),
          demands: asked === undefined ? {} : { waldir: asked },
          ...(password === undefined
            ? {}
            : {
                password: {
                  verifier: scramVerifier(password, randomBytes(16)),
                  fits: (verifier: string) => matchesVerifier(password, verifier),
                },
              }),
        });
      },
      rows: (state) => nodeRows(cluster, state).filter((row) => row.name === node.name),
    },
    flags,
    secret,
  );
};

async function possiblePath(path: string | undefined): Promise<void> {
  const fault = path === undefined ? undefined : pathFault(path);
  if (fault !== undefined) throw failure('usage', `--waldir: ${fault}`);
}
