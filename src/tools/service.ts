import { quoteWord } from './words.ts';
import type { Machine, Place } from '../facts/state.ts';
import { script, START } from './shell.ts';

export type ServiceCommand = { argv: readonly string[]; asLogin?: true };

/** Seconds a start, stop or restart may take: crash recovery and the last checkpoint are in it. */
const WAIT = '600';

function pgCtl(machine: Machine, place: Place, ...words: readonly string[]): ServiceCommand {
  return { argv: [machine.programs.pg_ctl ?? 'pg_ctl', '-D', place.real, ...words] };
}

/** Only the login can ask systemd; the owner of the data starts a Debian cluster as well as root does. */
function ctlcluster(machine: Machine, place: Place, ...words: readonly string[]): ServiceCommand {
  if (place.service.by !== 'pg_ctlcluster') return { argv: [] };
  const { major, cluster } = place.service.name;
  const argv = ['pg_ctlcluster', String(major), cluster, ...words];
  return machine.login === 'root' ? { argv, asLogin: true } : { argv };
}

function systemctl(machine: Machine, place: Place, verb: string): ServiceCommand {
  const unit = place.service.by === 'systemd' ? place.service.unit : '';
  const argv = ['systemctl', verb, unit];
  return { argv: machine.login === 'root' ? argv : ['sudo', '-n', ...argv], asLogin: true };
}

/** Starts the server through whoever owns it. pg_ctl gets a log file: without one the server keeps our pipe open. */
export function start(machine: Machine, place: Place): ServiceCommand {
  switch (place.service.by) {
    case 'pg_ctlcluster':
      return ctlcluster(machine, place, 'start');
    case 'systemd':
      return systemctl(machine, place, 'start');
    case 'pg_ctl':
      return starting(machine, place, '-w', '-t', WAIT, '-s', ...configFile(place), 'start');
  }
}

/** The same without waiting until it is ready: pg_ctl asks ten times a second, the step that follows asks more often. */
export function startSoon(machine: Machine, place: Place): ServiceCommand {
  if (place.service.by !== 'pg_ctl') return start(machine, place);
  return starting(machine, place, '-W', '-s', ...configFile(place), 'start');
}

/** What pg_ctl's own shell would read in a name between double quotes (start_postmaster in pg_ctl.c). */
const READ_BY_SHELL = /["$`\\]/;

/** pg_ctl in the data directory, which needs no name there; with the last words of the server where it fails. */
function starting(machine: Machine, place: Place, ...words: readonly string[]): ServiceCommand {
  const nameless = READ_BY_SHELL.test(place.real);
  const log = givenLog(place);
  const at = nameless ? ['-D', '.', '-l', log ?? START_LOG] : ['-D', place.real, '-l', startLog(place)];
  const program = machine.programs.pg_ctl ?? 'pg_ctl';
  return { argv: script(START, 'start', place.real, log ?? START_LOG, program, ...at, ...words) };
}

/** pg_ctl -D means the directory of the configuration where that is elsewhere; the server is told both. */
function configFile(place: Place): readonly string[] {
  const conf = place.files.conf?.path;
  if (conf === undefined || conf === `${place.real}/postgresql.conf` || place.service.by !== 'pg_ctl')
    return [];
  // pg_ctl hands these words to a shell.
  return ['-o', `-c ${quoteWord(`config_file=${conf}`)}`];
}

const START_LOG = 'pgrepl-start.log';

/** What the server says before its own logging begins: where it said it until now, else in a file of ours. */
export function startLog(place: Place): string {
  return givenLog(place) ?? `${place.real}/${START_LOG}`;
}

/** Whoever started the server with `pg_ctl -l FILE` reads that file. */
function givenLog({ log, real }: Place): string | undefined {
  return log === undefined || READ_BY_SHELL.test(log) || log === `${real}/${START_LOG}` ? undefined : log;
}

/** A fast stop: sessions are cut, every walsender sends what there is, the shutdown checkpoint is written. */
export function stop(machine: Machine, place: Place): ServiceCommand {
  switch (place.service.by) {
    case 'pg_ctlcluster':
      return ctlcluster(machine, place, 'stop', '-m', 'fast');
    case 'systemd':
      return systemctl(machine, place, 'stop');
    case 'pg_ctl':
      return pgCtl(machine, place, '-w', '-t', WAIT, '-s', '-m', 'fast', 'stop');
  }
}

export function restart(machine: Machine, place: Place): ServiceCommand {
  switch (place.service.by) {
    case 'pg_ctlcluster':
      return ctlcluster(machine, place, 'restart', '-m', 'fast');
    case 'systemd':
      return systemctl(machine, place, 'restart');
    case 'pg_ctl':
      return starting(machine, place, '-w', '-t', WAIT, '-s', '-m', 'fast', 'restart');
  }
}
