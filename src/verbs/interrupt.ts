/** The signals that ask for an end: Ctrl-C, `kill`, and a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const FIRST =
  'interrupted: the step that runs comes to its end, and what can be undone is undone (a promotion is finished)\n';
const SECOND =
  'still undoing or finishing; a third Ctrl-C leaves everything as it is, and running it again continues\n';

/**
 * The first signal asks to stop: the step that runs ends, and is undone. The second one only gets an answer: to end in
 * the middle of that would leave half a job. The third one ends pgrepl: `leave` has to end the process. The programs
 * that were started have process groups of their own (run/spawn.ts): no Ctrl-C reaches them.
 */
export function onInterrupt(say: (text: string) => void, leave: () => void): AbortSignal {
  const stop = new AbortController();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    if (count === 1) {
      say(FIRST);
      stop.abort();
    } else if (count === 2) say(SECOND);
    else leave();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return stop.signal;
}
