import { makeApplication, readRows, writeRows } from './application.ts';
import type { NodeName } from './place.ts';
import type { Stage } from './stage.ts';
import type { NodeRow } from '../report/rows.ts';

/** Rows that are written at each stage. */
const ROWS = 100;

/** What was shown, for --json. */
export type Shown = { rows: number; nodes: readonly NodeRow[] };

/** The main job on this machine: a primary and two standbys, a switchover, the loss of a primary. */
export async function play(stage: Stage): Promise<Shown> {
  const { place } = stage;
  stage.title('A primary and two standbys on this machine');
  stage.say(`Everything is in ${place.dir}; the cluster file is pgrepl.yaml there.`);
  await stage.pgrepl('init-primary', 'pg1');
  await stage.pgrepl('clone-standby', 'pg2');
  await stage.pgrepl('clone-standby', 'pg3');
  await stage.status();

  stage.title('An application writes on the primary and reads on the standbys');
  const { cluster, state } = await stage.look();
  await makeApplication(place, cluster, state, 'pg1');
  let rows = await writeAndRead(stage, 'pg1', 0, ['pg2', 'pg3']);

  stage.title('A switchover: pg2 becomes the primary, and pg1 its standby');
  await stage.pgrepl('switchover', 'pg2');
  await stage.status();
  rows = await writeAndRead(stage, 'pg2', rows, ['pg1', 'pg3']);

  stage.title('The primary dies: no shutdown, nobody is told');
  await stage.kill('pg2');
  await stage.status();
  await stage.pgrepl('promote', 'pg3');
  await readBack(stage, ['pg3'], rows);
  rows = await writeAndRead(stage, 'pg3', rows, ['pg1']);

  stage.title('The old primary comes back as a standby');
  await stage.pgrepl('rejoin', 'pg2');
  await readBack(stage, ['pg1', 'pg2'], rows);
  return { rows, nodes: await stage.status() };
}

async function writeAndRead(
  stage: Stage,
  primary: NodeName,
  before: number,
  standbys: readonly NodeName[],
): Promise<number> {
  stage.checkpoint();
  const began = performance.now();
  await writeRows(stage.place, primary, before, ROWS);
  const ms = Math.round(performance.now() - began);
  stage.say(`${primary}: ${ROWS} rows written, each in a transaction of its own, in ${ms} ms`);
  await readBack(stage, standbys, before + ROWS);
  return before + ROWS;
}

async function readBack(stage: Stage, nodes: readonly NodeName[], rows: number): Promise<void> {
  stage.checkpoint();
  const read = await Promise.all(nodes.map((node) => readRows(stage.place, node, rows)));
  nodes.forEach((node, at) => stage.say(`${node}: all ${rows} rows read, ${shown(read[at] ?? 0)}`));
}

function shown(ms: number): string {
  return ms < 20 ? 'at once' : `after ${Math.round(ms)} ms`;
}
