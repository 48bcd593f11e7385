import { play, type Shown } from '../demo/play.ts';
import { makePlace, removePlace, type Place } from '../demo/place.ts';
import { openStage, type Stage } from '../demo/stage.ts';
import { failure, PgreplError, STATUS } from '../errors.ts';
import type { Action, Flags } from './action.ts';
import { document } from '../report/json.ts';
import { quoteWord } from '../tools/words.ts';
import { modeOf } from './modes.ts';

/** Seconds that a step of the demo waits for its goal; a machine that needs longer is no place for it. */
const PATIENCE = 60;

export const demo: Action = async (_, flags) => () => played(flags);

async function played(flags: Flags): Promise<void> {
  const stop = new AbortController();
  watchSignals(stop, modeOf(flags).json);
  const place = await makePlace();
  let ended: { stage: Stage; shown: Shown } | undefined;
  const kept = (): boolean => flags['keep'] === true && !stop.signal.aborted;
  try {
    ended = await show(place, flags, stop.signal);
  } catch (error) {
    if (kept()) process.stderr.write(`it is left as it is: ${farewell(place)}`);
    throw stop.signal.aborted ? failure('interrupted', 'interrupted: everything is removed') : error;
  } finally {
    if (!kept()) await removePlace(place);
  }
  tell(place, flags, ended.stage, ended.shown, kept());
}

async function show(
  place: Place,
  flags: Flags,
  signal: AbortSignal,
): Promise<{ stage: Stage; shown: Shown }> {
  const { json, timeout } = modeOf(flags);
  const stage = openStage(place, json, timeout ?? PATIENCE, signal);
  try {
    return { stage, shown: await play(stage) };
  } catch (error) {
    if (error instanceof PgreplError && error.problems.length === 0)
      throw failure('failed', 'a command of the demo failed and did not say why');
    throw error;
  }
}

/** Also when whoever reads us is gone: the servers must not outlive their demonstration. */
function watchSignals(stop: AbortController, quiet: boolean): void {
  const onSignal = (): void => {
    if (!quiet && !stop.signal.aborted) process.stderr.write('\ninterrupted: cleaning up\n');
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());
}

function tell(place: Place, flags: Flags, stage: Stage, { rows, nodes }: Shown, kept: boolean): void {
  if (modeOf(flags).json) {
    const extra = { rows, commands: stage.acts, kept: kept ? place.dir : null };
    const account = {
      command: 'demo',
      outcome: 'done' as const,
      changed: kept,
      ms: performance.now(),
      nodes,
    };
    process.stdout.write(`${JSON.stringify(document({ ...account, extra }))}\n`);
  } else if (kept) process.stdout.write(`\n${farewell(place)}`);
  else {
    stage.title(`Done in ${(performance.now() / 1000).toFixed(0)} s`);
    stage.say('Everything is stopped and removed. With --keep it would run on.');
  }
  process.exitCode = STATUS.done;
}

function farewell({ dir, file, app, ports }: Place): string {
  return `It runs on. To look at it:

  export PGREPL_CONFIG=${quoteWord(file)}
  pgrepl status

To connect (pg1 ${ports.pg1}, pg2 ${ports.pg2}, pg3 ${ports.pg3}):

  export PGPASSFILE=${quoteWord(app.passfile)}
  psql -h 127.0.0.1 -p ${ports.pg3} -U ${app.user} ${app.database}

To stop and remove it:

  sh ${quoteWord(`${dir}/remove.sh`)}
`;
}
