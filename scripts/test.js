// Runs the tests and ends with one line: `N passed, N failed[, N skipped]`.
//   node scripts/test.js                    everything but the long ones, test/majors and test/hosts
//   node scripts/test.js long               pgrepl killed at each step, what goes wrong in the middle, rare places
//   node scripts/test.js majors             test/majors, with servers of PostgreSQL 10 to 18
//   node scripts/test.js render plan        these folders (or files) of test/
//   node scripts/test.js run -t 'a name'    what begins with a hyphen, and what follows it, goes to vitest
// $PGREPL_REPORT names a file for vitest's report.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureMajors } from './majors.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

/** Minutes of kills, failures in the middle and rare places: CI runs them, and who touches what they test. */
const LONG = [
  'initPrimaryStops',
  'kill',
  'killPromote',
  'rejoinFull',
  'rejoinKilled',
  'rewindArchive',
  'rewindForked',
  'rewindKilled',
  'switchoverBack',
  'switchoverInterrupted',
  'switchoverKilled',
  'switchoverUndoKilled',
  'cloneAgain',
  'cloneNames',
  'cloneSilent',
  'cloneUndone',
  'crashedPrimary',
  'debian',
  'leftSignal',
  'lostSlot',
  'passwordCommand',
  'rejoinBehind',
  'rejoinLayouts',
  'rotate',
  'starting',
  'statusMany',
  'superuser',
  'switchoverGates',
  'switchoverPlaces',
].map((name) => `e2e/${name}.test.ts`);

const { suites, passed } = parse(process.argv.slice(2));
const majors = suites.includes('majors') || process.env['PGREPL_MAJORS'] === '1';
process.exitCode = !majors || fetched() ? runTests() : 1;

function parse(words) {
  const first = words.findIndex((word) => word.startsWith('-'));
  const given = first < 0 ? words : words.slice(0, first);
  const named = given.flatMap((suite) => (suite === 'long' ? LONG : [suite]));
  const missing = named.find((suite) => !existsSync(join(ROOT, 'test', suite)));
  if (missing === undefined) return { suites: named, passed: first < 0 ? [] : words.slice(first) };
  console.error(`test: there is no test/${missing}`);
  process.exit(2);
}

/** Before the tests: their files run at the same time. Servers that cannot be had are a failure, and no skip. */
function fetched() {
  try {
    ensureMajors();
    return true;
  } catch (error) {
    console.error(error.message);
    console.log('0 passed, 1 failed');
    return false;
  }
}

function runTests() {
  const directory = mkdtempSync(join(tmpdir(), 'pgrepl-tests-'));
  const report = join(directory, 'report.json');
  const words = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  if (!majors) words.push('--exclude=test/majors/**');
  if (suites.length === 0) words.push(...LONG.map((file) => `--exclude=test/${file}`));
  // scripts/hosts.js makes the machines first, and names the files.
  if (!suites.some((suite) => suite.startsWith('hosts/'))) words.push('--exclude=test/hosts/**');
  words.push(...suites.map((suite) => `test/${suite}`), ...passed);
  try {
    const stdio = ['ignore', 'inherit', 'inherit'];
    const { status } = spawnSync(process.execPath, [VITEST, 'run', ...words], { cwd: ROOT, stdio });
    const keep = process.env['PGREPL_REPORT'];
    if (keep !== undefined && existsSync(report)) copyFileSync(report, keep);
    console.log(summary(report, status ?? 1));
    return status ?? 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file that cannot be run, or an error outside of a test, counts as a failure. */
function summary(report, ended) {
  const {
    numPassedTests: passed,
    numFailedTests,
    numPendingTests,
    numTodoTests,
    testResults,
  } = counts(report);
  const files = testResults.filter(
    ({ status: file, assertionResults }) =>
      file === 'failed' && !assertionResults.some(({ status: test }) => test === 'failed'),
  );
  const known = numFailedTests + files.length;
  const failed = known === 0 && ended !== 0 ? 1 : known;
  const skipped = numPendingTests + numTodoTests;
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function counts(report) {
  if (existsSync(report)) return JSON.parse(readFileSync(report, 'utf8'));
  return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
}
