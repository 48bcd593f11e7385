import type { Writable } from 'node:stream';
import { humanBytes, humanSeconds } from './terminal.ts';

export type Sample = { doneKb: number; totalKb: number; percent: number };
/** A sample and when it was taken, in milliseconds. */
export type Reading = { at: number; doneKb: number };

/** pg_basebackup's progress_report() and pg_rewind's print it alike: `12345/67890 kB (18%)`. */
const FIGURES = /(\d+)\/(\d+) kB \((\d+)%\)/g;

/** Reads stderr as it comes, in pieces that end anywhere; gives the newest sample of a piece that completes one. */
export function basebackupProgress(): (piece: string) => Sample | undefined {
  let rest = '';
  return (piece) => {
    const text = rest + piece;
    const last = [...text.matchAll(FIGURES)].at(-1);
    rest = text.slice(last === undefined ? 0 : last.index + last[0].length).slice(-200);
    return last === undefined ? undefined : sampleOf(Number(last[1]), Number(last[2]));
  };
}

/** The total is an estimate and can be overtaken. */
function sampleOf(doneKb: number, totalKb: number): Sample {
  const percent = totalKb === 0 ? 0 : Math.floor((doneKb / totalKb) * 100);
  return { doneKb, totalKb, percent: Math.min(100, percent) };
}

/** Speed is that of the last seconds, not of the whole copy. */
const WINDOW_MS = 10_000;

/** `42 %  512 MB of 1.2 GB  87 MB/s  9 s left`; `history` holds earlier readings, oldest first. */
export function progressLine(sample: Sample, history: readonly Reading[], now: number): string {
  const amount = `${humanBytes(sample.doneKb * 1024)} of ${humanBytes(sample.totalKb * 1024)}`;
  return [`${sample.percent} %`, amount, ...speed(sample, history, now)].join('  ');
}

function speed(sample: Sample, history: readonly Reading[], now: number): string[] {
  const since = history.find((reading) => now - reading.at <= WINDOW_MS) ?? history.at(-1);
  if (since === undefined || now <= since.at || sample.doneKb <= since.doneKb) return [];
  const kbPerSecond = ((sample.doneKb - since.doneKb) * 1000) / (now - since.at);
  const left = Math.max(0, sample.totalKb - sample.doneKb) / kbPerSecond;
  return [`${humanBytes(kbPerSecond * 1024)}/s`, `${humanSeconds(Math.ceil(left))} left`];
}

/** Takes samples as they come; `now` is in milliseconds. */
export type Progress = { show(sample: Sample, now: number): void; done(): void };

/** Where lines are kept, in a log or a file: at most one in 5 seconds and one for 10 %, and one each minute. */
export function plainProgress(write: (line: string) => void): Progress {
  const history: Reading[] = [];
  let told = { at: -Infinity, percent: -Infinity };
  return {
    show(sample, now) {
      const [time, share] = [now - told.at, sample.percent - told.percent];
      if ((time >= 5000 && share >= 10) || time >= 60_000 || (sample.percent === 100 && share > 0)) {
        write(progressLine(sample, history, now));
        told = { at: now, percent: sample.percent };
      }
      remember(history, sample, now);
    },
    done() {},
  };
}

/** Where a line can be drawn again: at most ten times a second. */
export function drawnProgress(draw: (line: string) => void, clear: () => void): Progress {
  const history: Reading[] = [];
  let drawn = -Infinity;
  return {
    show(sample, now) {
      if (now - drawn >= 100) {
        draw(progressLine(sample, history, now));
        drawn = now;
      }
      remember(history, sample, now);
    },
    done: clear,
  };
}

function remember(history: Reading[], sample: Sample, now: number): void {
  history.push({ at: now, doneKb: sample.doneKb });
  const first = history.findIndex((reading) => now - reading.at <= WINDOW_MS);
  history.splice(0, first);
}

/** The one of the two that fits the stream. log-update is loaded for a terminal alone. */
export async function progressOn(stream: Writable & { isTTY?: boolean }, label: string): Promise<Progress> {
  if (stream.isTTY !== true) return plainProgress((line) => stream.write(`${label}  ${line}\n`));
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(stream as NodeJS.WriteStream);
  return drawnProgress(
    (line) => update(`${label}  ${line}`),
    () => update.clear(),
  );
}
