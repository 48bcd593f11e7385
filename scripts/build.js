// Bundles src/ into dist/: main.cjs with commander and the tree of verbs, and verbs.cjs, loaded when a verb runs
// (src/compiled.ts). Both are CommonJS, because Node 20 starts that in less time than modules.
// Does nothing when the sources are those of the last build.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Module } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const STAMP = join(DIST, '.stamp');
const PARTS = [...readdirSync(join(ROOT, 'src', 'verbs')).map((name) => `./verbs/${name}`), './talk.ts'];

/** Builds where something changed since the last build. */
export async function build() {
  const sources = hashOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources) return;
  const fresh = join(ROOT, '.cache', `dist-${process.pid}`);
  mkdirSync(fresh, { recursive: true });
  try {
    const inputs = await bundle(fresh);
    writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES.txt'), licences(inputs));
    writeFileSync(join(fresh, '.stamp'), sources);
    putInPlace(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** By content: times change with every checkout. */
function hashOfSources() {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name));
  const hash = createHash('sha256');
  for (const file of [...sources.sort(), 'package.json', 'package-lock.json', 'scripts/build.js']) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

async function bundle(outdir) {
  const { build: esbuild } = await import('esbuild');
  const common = {
    absWorkingDir: ROOT,
    define: { PGREPL_VERSION: JSON.stringify(JSON.parse(readFileSync('package.json', 'utf8')).version) },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    // Half the text to read and to parse; names stay, for whoever reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    // What is read as one byte a character need not be looked at.
    charset: 'ascii',
    legalComments: 'eof',
    metafile: true,
    logLevel: 'warning',
  };
  const [front, verbs] = await Promise.all([
    esbuild({
      ...common,
      entryPoints: ['src/main.ts'],
      outfile: join(outdir, 'main.cjs'),
      format: 'cjs',
      plugins: [withoutSubprocesses, verbsApart],
    }),
    esbuild({
      ...common,
      stdin: { contents: parts(), resolveDir: join(ROOT, 'src'), sourcefile: 'parts.js' },
      outfile: join(outdir, 'verbs.cjs'),
      format: 'cjs',
      banner: { js: WRAPPER[0] },
      footer: { js: WRAPPER[1] },
      // Both are asked for by pg only where they can be there: a native client, and Cloudflare's sockets.
      external: ['pg-native', 'pg-cloudflare'],
    }),
  ]);
  return [...Object.keys(front.metafile.inputs), ...Object.keys(verbs.metafile.inputs)];
}

/** Node's own for a CommonJS module, written once instead of put around it at each start. */
const WRAPPER = Module.wrap('SPLIT').split('SPLIT');

/** Each is run when it is asked for. */
function parts() {
  return PARTS.map(
    (name) => `exports[${JSON.stringify(name)}] = () => require(${JSON.stringify(name)});`,
  ).join('\n');
}

/** What main.cjs loads when it is needed stays outside of it. */
const verbsApart = {
  name: 'verbs-apart',
  setup(build) {
    build.onResolve({ filter: /^\.\/(verbs\/|talk\.ts$)/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, namespace: 'apart' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require('./compiled.ts').part(__dirname, ${JSON.stringify(path)});`,
      resolveDir: join(ROOT, 'src'),
    }));
  },
};

/**
 * commander loads node:child_process at once, for verbs that are programs of their own; pgrepl has none. Without
 * it --help starts a fifth sooner.
 */
const withoutSubprocesses = {
  name: 'commander-without-subprocesses',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]node_modules[\\/]commander[\\/]/.test(importer) ? { path: 'none', namespace: 'none' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** The licence of every package that is bundled goes with it. */
function licences(inputs) {
  const packages = inputs.map((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const unique = [...new Set(packages.filter((directory) => directory !== undefined))].sort();
  return unique.map((directory) => licenceOf(join(ROOT, directory))).join('\n----\n\n');
}

function licenceOf(directory) {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n${readFileSync(join(directory, file), 'utf8')}`;
  return `${name} ${version} (${license})\n${text}`;
}

/** By renaming, so that a program that starts meanwhile finds one build or the other. */
function putInPlace(fresh) {
  const old = `${fresh}.old`;
  if (existsSync(DIST)) renameSync(DIST, old);
  renameSync(fresh, DIST);
  rmSync(old, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
