// Writes docs/majors.md: what was run on which major, from the reports of the runs themselves.
//   PGREPL_REPORT=majors.json node scripts/test.js majors
//   PGREPL_REPORT=hosts.json node scripts/hosts.js pair releases takeover units wal grow
//   node scripts/majorsTable.js majors.json hosts.json
//   node scripts/majorsTable.js --check      whether the tests are still those that were run
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { MAJORS } from './majors.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, 'docs', 'majors.md');
/** What a machine of the lab has where its story says nothing else. */
const OF_THE_LAB = 15;
const STORIES = ['pair', 'releases', 'takeover', 'units', 'wal', 'grow'].map(
  (name) => `hosts/${name}.test.ts`,
);

const words = process.argv.slice(2);
if (words[0] === '--check') check();
else await writePage(words);

function check() {
  if (readFileSync(PAGE, 'utf8').includes(`tests ${fingerprint()}`)) return;
  console.error(
    'docs/majors.md: the tests are no longer those that were run; scripts/majorsTable.js says how it is made',
  );
  process.exitCode = 1;
}

async function writePage(files) {
  const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const rows = new Map();
  for (const { file, title, status } of reports.flatMap(testsOf)) {
    if (status !== 'passed' && status !== 'failed') continue;
    const { what, major } = placeOf(file, title);
    const row = rows.get(what) ?? new Map();
    row.set(major, row.get(major) === 'failed' ? 'failed' : status);
    rows.set(what, row);
  }
  const newest = Math.max(...reports.map(({ startTime }) => startTime));
  writeFileSync(
    PAGE,
    await format(page(rows, newest), { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' }),
  );
}

function testsOf({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({
      file: name.slice(name.indexOf('/test/') + 6),
      title: fullName,
      status,
    })),
  );
}

/** The major that a title names, and the title without it. */
function placeOf(file, title) {
  const named = /PostgreSQL (1\d)|(?:server|servers) of (1\d)\b/.exec(title);
  const what = title
    .replace(/(?: on Debian \d+)? with PostgreSQL 1\d/, '')
    .replace(/^PostgreSQL 1\d /, '')
    .replace(/ of PostgreSQL 1\d/, '')
    .replace(/\bof 1\d\b/, '')
    .replace(/\s+/g, ' ');
  const lab = file.startsWith('hosts/');
  const major = Number(named?.[1] ?? named?.[2] ?? (lab ? OF_THE_LAB : 0));
  return { what: `${lab ? 'hosts' : 'one machine'} | ${what}`, major };
}

function page(rows, newest) {
  const marks = { passed: '✓', failed: '✗' };
  const lines = [...rows].flatMap(([what, row]) => {
    if (![...row.keys()].some((major) => MAJORS.includes(major))) return [];
    return [`| ${what} | ${MAJORS.map((major) => marks[row.get(major)] ?? '').join(' | ')} |`];
  });
  return `# What was run on which major

Made by \`scripts/majorsTable.js\` from the reports of the runs of ${new Date(newest).toISOString().slice(0, 10)}: ✓ passed,
✗ failed, nothing where it was not run. On one machine the servers are those of npm packages, and the client programs
Debian's: pg_basebackup copies from its own and older majors, so from a newer one clone-standby must refuse, and the
standbys are made by hand. The hosts are Debian 11 with 13, 12 with 15, 13 with 17 and testing with 18, with their own programs.

| where | what | ${MAJORS.join(' | ')} |
| --- | --- |${MAJORS.map(() => ' :-: |').join('')}
${lines.join('\n')}

<!-- tests ${fingerprint()} -->
`;
}

/** Of the titles, as they are written: other ones are other tests. */
function fingerprint() {
  const majors = readdirSync(join(ROOT, 'test', 'majors')).filter((name) =>
    /^(life|.*\.test)\.ts$/.test(name),
  );
  const files = [...majors.map((name) => `majors/${name}`), ...STORIES].toSorted();
  const titles = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, 'test', file), 'utf8');
    const found = text.matchAll(/\b(?:test|describe|story)(?:\.\w+\([^)]*\))?\(\s*(['"`])(.*?)\1/g);
    return Array.from(found, ([, , title]) => `${file}: ${title}`);
  });
  return createHash('sha256').update(titles.join('\n')).digest('hex').slice(0, 12);
}
