import { PROGRAM, run } from './lab.js';

/** Node alone, and with it the program that does nothing. */
export async function measureStart({ runs, add }) {
  for (let at = 0; at <= runs; at += 1) {
    const bare = await run([process.execPath, '-e', '0']);
    const help = await run([process.execPath, PROGRAM, '--help']);
    const version = await run([process.execPath, PROGRAM, '--version']);
    if (at === 0) continue; // the compile cache is written
    add('pgrepl --help', 'node -e 0', { bare: bare.ms, ours: help.ms, limit: 1.7 });
    add('pgrepl --version', 'node -e 0', { bare: bare.ms, ours: version.ms, limit: 1.7 });
  }
}
