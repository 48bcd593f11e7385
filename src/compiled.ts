import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';

type Parts = Readonly<Record<string, (() => unknown) | undefined>>;

let parts: Parts | undefined;

/** The exports of a module of src/ that is in the bundle of the verbs. The build calls it for every dynamic import. */
export function part(dist: string, name: string): unknown {
  parts ??= compiled(join(dist, 'verbs.cjs'), name);
  return parts[name]?.();
}

/**
 * The bundle of the verbs (ASCII, in a CommonJS wrapper: scripts/build.js), with the code that V8 compiled in an earlier run: compiling takes longer than all that a
 * verb does before it asks the first host. Node does the same from 22.1 on (module.enableCompileCache), by default in
 * a directory of /tmp that anybody may make first; here it is kept beside the bundle, where only who may write the
 * program itself may write. V8 takes nothing of another version, other flags or a source of another length; and a
 * build has a directory of its own.
 */
function compiled(file: string, first: string): Parts {
  const kept = join(
    dirname(file),
    'compiled',
    `${process.version}-${process.arch}-${basename(first, '.ts')}`,
  );
  const cachedData = readIfThere(kept);
  const script = new Script(readFileSync(file, 'latin1'), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  const run = script.runInThisContext() as (...given: readonly unknown[]) => void;
  run(module.exports, require, module, file, dirname(file));
  // At the end, when what the verb called is compiled too.
  if (cachedData === undefined || script.cachedDataRejected === true)
    process.once('exit', () => keep(kept, script));
  return module.exports;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // the first run, or a directory that is not ours to read: V8 compiles
  }
}

/**
 * Only where the bundle belongs to us: root would leave a file that the owner could not remove. Renamed into place, since
 * other runs start meanwhile.
 */
function keep(file: string, script: Script): void {
  const dist = dirname(dirname(file));
  if (statSync(dist, { throwIfNoEntry: false })?.uid !== process.geteuid?.()) return;
  const fresh = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    // On the disk before it has its name: V8 looks at the head of it alone.
    writeFileSync(fresh, script.createCachedData(), { flush: true });
    renameSync(fresh, file);
  } catch {
    // A disk that is full or read-only costs the next run some milliseconds, and no more.
  }
}
