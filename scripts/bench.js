// Real figures, side by side in one run: what pgrepl takes and what the bare programs take for the same.
//   npm run bench                          every case
//   npm run bench -- --only promote        this case; may be repeated
//   npm run bench -- --runs 3 --steps      so many runs each, and where the time of pgrepl goes
import { CASES } from './bench/cases.js';
import { NotThere, PROGRAM, run } from './bench/lab.js';

const options = parse(process.argv.slice(2));
const rows = new Map();
const steps = new Map();

console.log(
  `node ${process.versions.node}; ${(await run([process.execPath, PROGRAM, '--version'])).stdout.trim()}; medians in ms (least-most, runs)`,
);
for (const each of CASES.filter(({ name }) => options.only.length === 0 || options.only.includes(name)))
  await measure(each);
process.exit(process.exitCode ?? 0);

function parse(words) {
  const found = { only: [], steps: false };
  for (let at = 0; at < words.length; at += 1) {
    const value = words[at + 1] ?? '';
    if (words[at] === '--steps') found.steps = true;
    else if (words[at] === '--only' && CASES.some(({ name }) => name === value))
      found.only.push(words[(at += 1)]);
    else if (words[at] === '--runs' && /^[1-9]\d*$/.test(value)) found.runs = Number(words[(at += 1)]);
    else fail(words[at], value);
  }
  return found;
}

function fail(word, value) {
  console.error(
    `bench: ${word} ${value}: there are --only ${CASES.map(({ name }) => name).join('|')}, --runs N and --steps`,
  );
  process.exit(2);
}

async function measure({ name, runs, measure: work }) {
  rows.clear();
  steps.clear();
  try {
    await work({ runs: options.runs ?? runs, add, steps: addSteps });
  } catch (error) {
    if (!(error instanceof NotThere)) process.exitCode = 1;
    console.log(`\n${name}: ${error instanceof NotThere ? error.message : `failed: ${error.message}`}`);
  }
  for (const [what, row] of rows) console.log(lineOf(what, row));
  if (options.steps) for (const [what, whys] of steps) console.log(stepLines(what, whys));
}

function add(what, against, { bare, ours, limit }) {
  const row = rows.get(what) ?? { against, limit, bare: [], ours: [] };
  row.bare.push(bare);
  row.ours.push(ours);
  rows.set(what, row);
}

function addSteps(what, done) {
  const whys = steps.get(what) ?? new Map();
  for (const { node, why, ms } of done) {
    const key = `${node}: ${why}`;
    whys.set(key, [...(whys.get(key) ?? []), ms]);
  }
  steps.set(what, whys);
}

function lineOf(what, { against, limit, bare, ours }) {
  const ratio = (median(ours) / median(bare)).toFixed(2);
  const difference = median(ours) - median(bare);
  const promised =
    limit === undefined
      ? ''
      : typeof limit === 'number'
        ? ` (at most ${limit})`
        : ` (${Math.round(difference)} ms more, at most ${limit})`;
  return `\n${what}\n  ${against.padEnd(40)} ${spread(bare)}\n  ${'pgrepl'.padEnd(40)} ${spread(ours)}\n  ${'ratio'.padEnd(40)} ${ratio.padStart(7)}${promised}`;
}

function stepLines(what, whys) {
  const lines = [...whys].map(([why, all]) => `    ${String(Math.round(median(all))).padStart(6)}  ${why}`);
  return `  steps of ${what}:\n${lines.join('\n')}`;
}

function spread(all) {
  const round = (value) => String(Math.round(value));
  return `${round(median(all)).padStart(7)}  (${round(Math.min(...all))}-${round(Math.max(...all))}, ${all.length})`;
}

function median(all) {
  const sorted = [...all].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
