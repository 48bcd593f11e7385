import { askDoctor } from '../ask/doctor.ts';
import { problemOf, type Check } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { observe, tell } from '../observe/observe.ts';
import { passwordOf } from '../cluster/password.ts';
import type { Cluster, Node } from '../cluster/types.ts';
import type { Action, Flags } from './action.ts';
import { checkList } from '../doctor/checkList.ts';
import { nodeRows } from '../report/rows.ts';
import { isUnicode, width } from '../report/terminal.ts';
import { colorOf } from '../talk.ts';
import { findTarget } from '../cluster/target.ts';
import type { Secret } from '../tools/words.ts';
import { havePort, modeOf, targetFlags } from './modes.ts';

export const doctor: Action = async ([name], flags) => {
  const { cluster, node } = await findTarget(name, targetFlags(flags), 'cluster');
  const password = await passwordOf(cluster);
  return async () => examined(cluster, node, await password(), flags);
};

async function examined(
  cluster: Cluster,
  node: Node | undefined,
  password: Secret | undefined,
  flags: Flags,
): Promise<void> {
  const { json, timeout } = modeOf(flags);
  const state = await observe(cluster, { sizes: true, ...(timeout === undefined ? {} : { timeout }) });
  await havePort(flags, node, state);
  const all = examine(cluster, state, await askDoctor(cluster, state, password));
  const checks = all.filter(
    (check) => node === undefined || check.node === node.name || check.about === node.name,
  );
  const wrong = checks.filter(({ level }) => level === 'wrong');
  await tell(
    {
      command: 'doctor',
      outcome: wrong.length === 0 ? 'done' : 'degraded',
      nodes: nodeRows(cluster, state).filter((row) => node === undefined || row.name === node.name),
      problems: wrong.map(problemOf),
      extra: { checks: checks.map(shownCheck) },
      text: () => checkList(checks, { width: width(), color: colorOf(process.stdout), unicode: isUnicode() }),
    },
    json,
  );
}

/** `ok` is what monitoring asks: a warning is worth reading and stands in the way of nothing. */
function shownCheck({ node, check, level, message, hint, verbs }: Check): Record<string, unknown> {
  return {
    node,
    check,
    ok: level !== 'wrong',
    level,
    message,
    ...(hint === undefined ? {} : { hint }),
    verbs,
  };
}
