import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { login } from './lab.js';

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));

/** A client in a process of its own (writer.js), which tries these nodes; with `once` it ends with its first write. */
export function startWriter(nodes, once = false) {
  const child = spawn(process.execPath, [WRITER, JSON.stringify({ logins: nodes.map(login), once })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  let ready;
  const isReady = new Promise((resolve) => (ready = resolve));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (said.includes('ready')) ready();
  });
  const ended = new Promise((resolve) => {
    child.on('close', () => resolve(JSON.parse(said.trim().split('\n').at(-1) ?? '{}')));
  });
  return isReady.then(() => ({ ended, end: () => (child.kill('SIGTERM'), ended) }));
}
