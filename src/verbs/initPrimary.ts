import { randomBytes } from 'node:crypto';
import type { Action } from '../program.ts';
import { addressesOf } from '../addresses.ts';
import { passwordOf } from '../passwords.ts';
import { planInitPrimary } from '../plan/initPrimary.ts';
import { nodeRows } from '../report/rows.ts';
import { matchesVerifier, scramVerifier } from '../scram.ts';
import { findTarget } from '../target.ts';
import { list, perform, targetFlags, text } from './modes.ts';

export const initPrimary: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'node');
  if (node === undefined) return;
  const password = await passwordOf(cluster);
  const allow = await addressesOf(cluster, node, list(flags, 'allow'));
  const waldir = text(flags, 'waldir') ?? node.waldir;
  await perform(
    {
      command: 'init-primary',
      cluster,
      nodes: [node],
      plan: (state) =>
        planInitPrimary(cluster, state, {
          node,
          role: cluster.replication.role,
          allow,
          restart: flags['restart'] !== false,
          ...(waldir === undefined ? {} : { waldir }),
          ...(password === undefined
            ? {}
            : {
                password: {
                  verifier: scramVerifier(password, randomBytes(16)),
                  fits: (verifier: string) => matchesVerifier(password, verifier),
                },
              }),
        }),
      rows: (state) => nodeRows(cluster, state).filter((row) => row.name === node.name),
    },
    flags,
  );
};
