import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCluster } from '../cluster/load.ts';
import type { Cluster } from '../cluster/types.ts';
import { PgreplError, type Outcome, type Problem } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import { observe } from '../observe/observe.ts';
import { wrapped } from '../report/paint.ts';
import { assess } from '../report/health.ts';
import { nodeRows, type NodeRow } from '../report/rows.ts';
import { statusText } from '../report/statusText.ts';
import { isUnicode, width } from '../report/terminal.ts';
import { spawn } from '../run/spawn.ts';
import { colorOf } from '../talk.ts';
import { gone } from './gone.ts';
import type { NodeName, Place } from './place.ts';

/** What was done, for --json. */
export type Act = { command: string; outcome: string; ms: number };

/** A verb's own document, as far as the story needs it. */
export type Told = Readonly<{
  outcome: Outcome;
  ms: number;
  steps: readonly unknown[];
  error: { problems: readonly Problem[] } | null;
  writeOutageMs?: number | null;
  promotionMs?: number;
}>;

/** Shows what happens and makes it happen: every command is run as a person would type it. */
export type Stage = {
  place: Place;
  acts: Act[];
  title: (text: string) => void;
  say: (text: string) => void;
  pgrepl: (...words: readonly string[]) => Promise<Told>;
  look: () => Promise<{ cluster: Cluster; state: ClusterState }>;
  status: () => Promise<readonly NodeRow[]>;
  kill: (node: NodeName) => Promise<void>;
  checkpoint: () => void;
};

export function openStage(place: Place, quiet: boolean, seconds: number, signal: AbortSignal): Stage {
  const { title, say, typed, shown } = voiceOf(quiet);
  const acts: Act[] = [];
  const look = async () => {
    const cluster = await loadCluster(place.file);
    return { cluster, state: await observe(cluster, { brief: true }) };
  };
  return {
    ...{ place, acts, title, say, look },
    checkpoint: () => signal.throwIfAborted(),
    pgrepl: async (...words) => {
      signal.throwIfAborted();
      const command = ['pgrepl', ...words].join(' ');
      typed(command);
      const told = await runPgrepl(place, [...words, '--timeout', String(seconds)], signal);
      acts.push({ command, outcome: told.outcome, ms: told.ms });
      if (told.outcome !== 'done') throw new PgreplError(told.outcome, told.error?.problems ?? []);
      say(summary(told));
      return told;
    },
    status: async () => {
      signal.throwIfAborted();
      typed('pgrepl status');
      const { cluster, state } = await look();
      shown(cluster, state);
      return nodeRows(cluster, state);
    },
    kill: async (node) => {
      signal.throwIfAborted();
      const [pid = ''] = (await readFile(join(place.dir, node, 'postmaster.pid'), 'utf8')).split('\n');
      typed(`kill -QUIT ${pid}`);
      process.kill(Number(pid), 'SIGQUIT');
      await gone(node, join(place.dir, node), seconds, signal);
    },
  };
}

type Voice = Pick<Stage, 'title' | 'say'> & {
  typed: (command: string) => void;
  shown: (cluster: Cluster, state: ClusterState) => void;
};

/** What the audience sees; nothing where it is to be quiet. */
function voiceOf(quiet: boolean): Voice {
  const color = colorOf(process.stdout);
  const out = (text: string): void => void (quiet || process.stdout.write(text));
  const lines = (all: readonly string[]): void => out(all.map((line) => `${line}\n`).join(''));
  return {
    title: (text) => lines(['', ...wrapped(text, width()).map((line) => color.bold(line))]),
    say: (text) => lines(wrapped(text, width() - 2).map((line) => `  ${line}`)),
    typed: (command) => lines([`${color.dim('$')} ${color.cyan(command)}`]),
    shown: (cluster, state) => {
      const look = { width: width(), color, unicode: isUnicode() };
      out(statusText(cluster, state, assess(cluster, state), look));
    },
  };
}

function summary({ steps, ms, writeOutageMs, promotionMs }: Told): string {
  const writes =
    typeof writeOutageMs === 'number'
      ? `; no client could write for ${Math.round(writeOutageMs)} ms`
      : promotionMs === undefined
        ? ''
        : `; it took writes after ${promotionMs} ms`;
  return `done: ${steps.length} steps in ${(ms / 1000).toFixed(1)} s${writes}`;
}

/** This very program, in a process of its own; its document says how it went. */
async function runPgrepl(place: Place, words: readonly string[], signal: AbortSignal): Promise<Told> {
  const [node, program = ''] = process.argv;
  const argv = [node ?? process.execPath, program, ...words, '--config', place.file, '--json', '--yes'];
  const ended = await spawn(argv, { signal });
  signal.throwIfAborted();
  try {
    return JSON.parse(ended.stdout) as Told;
  } catch {
    const said = ended.stderr.trim() || `it ended with status ${ended.code ?? 'unknown'}`;
    throw new PgreplError('failed', [{ message: `pgrepl ${words.join(' ')}: ${said}` }]);
  }
}
