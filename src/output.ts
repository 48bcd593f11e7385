import { STATUS } from './errors.ts';

/** Nobody reads any more: `head` had enough, or the terminal is gone. */
const GONE = ['EPIPE', 'EIO'];

/**
 * What becomes of a run whose output cannot be written. Without stderr it goes on: half a switchover is worse than one
 * that nobody was told of. If stdout fails, stderr says so and the status is 1, unless the reader went away. Without a
 * listener, Node would end the program at the first write that fails.
 */
export function mindOutput(): void {
  process.stderr.on('error', () => undefined);
  let failed = false;
  process.stdout.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
    if (failed || GONE.includes(code)) return;
    failed = true;
    process.stderr.write(`error: stdout cannot be written: ${message.replace(/^\w+: |, write$/g, '')}\n`);
    process.once('exit', () => {
      process.exitCode = STATUS.fault;
    });
  });
}
