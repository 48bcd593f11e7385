import type { PrimaryState } from '../../facts/view.ts';
import type { Place } from '../../facts/state.ts';
import { RUNS_NOT, START_AGAIN, STOP_SOON, STOPPED } from '../../tools/handover.ts';
import { startLog, startSoon } from '../../tools/service.ts';
import { script } from '../../tools/shell.ts';
import type { Step } from '../plan.ts';
import { inLane, run, service, type Seen } from '../steps.ts';

/** Seconds after which a stop is forced, or all is taken back because the last bytes have not arrived. */
export const OUTAGE_MOST = 60;

/** The name under which the position of the shutdown checkpoint is kept. */
export const SHUTDOWN = 'shutdown';

export const STOP = 'stop the primary: writes end here, and its shutdown checkpoint is written';

/** A fast stop by pg_ctl, also of systemd's servers: unlike systemctl it need not be waited for. The owner starts them. */
export function stopStep({ node, machine, place }: PrimaryState, seconds: number): Step {
  const stop = [machine.programs.pg_ctl ?? 'pg_ctl', '-D', place.real, '-W', '-s', '-m', 'fast', 'stop'];
  const control = machine.programs.pg_controldata ?? 'pg_controldata';
  const argv = script(STOP_SOON, 'stop', place.real, control, String(seconds), ...stop);
  return run(node, STOP, argv, { capture: SHUTDOWN, seconds: seconds + 5 });
}

/** Starts a server that may be stopping still, after `most` seconds by force. */
export function startAgain(found: Seen, why: string, most: number, lane?: string): readonly Step[] {
  const { node, machine, place } = found;
  const extra = inLane(lane);
  const command = startSoon(machine, place);
  // Who may start it, and may not read its files, cannot see that it has stopped.
  if (command.asLogin === true && machine.login !== 'root')
    return [hasStopped(found, most, lane), service(node, why, command, extra)];
  const words = waitWords(found, most);
  return [
    service(node, why, { ...command, argv: script(START_AGAIN, 'start', ...words, ...command.argv) }, extra),
  ];
}

/** Waits for a stop that was begun; after `most` seconds it is forced. */
export function hasStopped(found: Seen, most: number, lane?: string): Step {
  const argv = script(STOPPED, 'stopped', ...waitWords(found, most));
  return run(found.node, 'it has stopped', argv, {
    seconds: most + 40,
    ...inLane(lane),
  });
}

function waitWords({ machine, place }: Seen, most: number): readonly string[] {
  return [place.real, String(most), machine.programs.pg_ctl ?? 'pg_ctl', startLog(place)];
}

/** A server that is to be a standby and does not run: any start from now on makes it one. */
export function runsNot(node: string, place: Place): Step {
  return run(node, 'nobody started it meanwhile', script(RUNS_NOT, 'runs-not', place.real));
}
