import { STATUS } from './errors.ts';

/** Nobody reads any more: `head` had enough, or the terminal is gone. */
const GONE = ['EPIPE', 'EIO'];

/**
 * What becomes of a run that cannot say what it has to say. Without talk it goes on: half a switchover is worse than
 * one that nobody was told of. Data that did not arrive are told, unless nobody wanted more of them, and the status is
 * 1. Without a listener, Node would end the program at the first write.
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
