// Writes docs/reference.md from the commander tree, or says with --check that it is stale (exit 1).
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FILE = join(ROOT, 'docs', 'reference.md');
const COMMON = [
  '--config',
  '--pgdata',
  '--port',
  '--on',
  '--bindir',
  '--superuser',
  '--name',
  '--dry-run',
  '--check',
  '--yes',
  '--json',
  '--timeout',
];

/** The page as it should be. */
export async function reference() {
  const { buildProgram } = await program();
  const verbs = leaves(buildProgram());
  const text = [...head(verbs), ...verbs.flatMap(sectionOf)].join('\n');
  return format(text, { ...(await resolveConfig(FILE)), parser: 'markdown' });
}

/** The tree alone: no verb is loaded for it. */
async function program() {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/program.ts'],
    define: { PGREPL_VERSION: '""' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external: ['./verbs/*', 'commander'],
    logLevel: 'warning',
  });
  const text = outputFiles[0].text.replaceAll(
    'from "commander"',
    `from ${JSON.stringify(import.meta.resolve('commander'))}`,
  );
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}

function leaves(command, path = []) {
  return command.commands.flatMap((each) => {
    const name = [...path, each.name()];
    return each.commands.length > 0 ? leaves(each, name) : [{ command: each, name: name.join(' ') }];
  });
}

function head(verbs) {
  const rows = verbs.map(
    ({ command, name }) => `| [${name}](#${name.replaceAll(' ', '-')}) | ${cell(command.summary())} |`,
  );
  const options = new Map(
    verbs.flatMap(({ command }) => command.options.map((option) => [option.long, option])),
  );
  return [
    '# Reference',
    '',
    '<!-- Written by `npm run docs` from src/definitions.ts. Change it there. -->',
    '',
    'What scripts may rely on is in [contract.md](contract.md), the cluster file in',
    '[configuration.md](configuration.md).',
    '',
    '| verb | |',
    '| --- | --- |',
    ...rows,
    '',
    '## Options that many verbs take',
    '',
    '| option | | verbs |',
    '| --- | --- | --- |',
    ...COMMON.map((long) => commonRow(options.get(long), long, verbs)),
    '',
  ];
}

function commonRow(option, long, verbs) {
  const without = verbs.filter(({ command }) => !command.options.some((each) => each.long === long));
  const of =
    without.length === 0
      ? 'all'
      : without.length <= 3
        ? `all but ${without.map(({ name }) => name).join(', ')}`
        : verbs
            .filter((verb) => !without.includes(verb))
            .map(({ name }) => name)
            .join(', ');
  return `| \`${cell(option.flags)}\` | ${cell(option.description)} | ${of} |`;
}

function sectionOf({ command, name }) {
  const own = command.options.filter(({ long }) => !COMMON.includes(long));
  const common = command.options.filter(({ long }) => COMMON.includes(long)).map(({ long }) => `\`${long}\``);
  const usage = [
    `pgrepl ${name}`,
    ...command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    ),
    '[options]',
  ].join(' ');
  return [
    `## ${name}`,
    '',
    '```',
    usage,
    '```',
    '',
    command.description(),
    '',
    ...(own.length === 0 ? [] : ['| option | |', '| --- | --- |', ...own.map(optionRow), '']),
    `And ${common.join(', ')}.`,
    '',
    '```sh',
    ...examplesOf(command),
    '```',
    '',
  ];
}

function optionRow({ flags, description }) {
  return `| \`${cell(flags)}\` | ${cell(description)} |`;
}

function cell(text) {
  return text.replaceAll('|', '\\|');
}

/** They are in the help text that commander prints behind its own. */
function examplesOf(command) {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text
    .slice(text.indexOf('Examples:'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = await reference();
  if (!process.argv.includes('--check')) writeFileSync(FILE, wanted);
  else if (readFileSync(FILE, 'utf8') !== wanted) {
    console.error('docs: docs/reference.md is stale; run: npm run docs');
    process.exit(1);
  }
}
