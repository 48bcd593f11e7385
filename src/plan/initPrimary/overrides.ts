import type { Problem } from '../../errors.ts';
import { ownFile } from '../../render/conf.ts';
import { fileSettings, fileSettingsWith, ownPath, UNITS, type FileSetting } from '../effective.ts';
import { isUp, type Seen } from '../steps.ts';
import type { Want } from '../wants.ts';

/** Settings of ours that postgresql.auto.conf or the command line sets too: both beat every file (config-setting). */
export function overriding(found: Seen, desired: Readonly<Record<string, string>>): readonly Problem[] {
  const auto = found.place.files.auto?.path;
  const byAlterSystem = fileSettings(found.place)
    .filter(
      ({ file, name, value }) => file === auto && desired[name] !== undefined && desired[name] !== value,
    )
    .map(({ name, value, file, line }) => ({
      message: `${found.node}: ${name} is ${shown(value)} by ALTER SYSTEM, ${file} line ${line}, and that beats every other file`,
      hint: `psql -c 'ALTER SYSTEM RESET ${name}' on ${found.node}, then run this again`,
    }));
  const byCommand = !isUp(found)
    ? []
    : Object.keys(desired)
        .filter(
          (name) =>
            /command line|environment/.test(found.server.settings[name]?.source ?? '') &&
            desired[name] !== found.server.settings[name]?.value,
        )
        .map((name) => ({
          message: `${found.node}: ${name} is ${shown(found.server.settings[name]?.value ?? '?')} by the command line of the server, and that beats every file`,
          hint: `Take ${name} out of the words the server is started with.`,
        }));
  return [...byAlterSystem, ...byCommand];
}

/**
 * Settings of ours that a file sets again behind our own, to a value that will not do: the last one wins. Seen before
 * anything is written, and for a server that does not run.
 */
export function overridingFiles(
  found: Seen,
  wants: readonly Want[],
  desired: Readonly<Record<string, string>>,
): readonly FileSetting[] {
  const settings = fileSettingsWith(found.place, ownFile(desired));
  const own = ownPath(found.place).path;
  return Object.entries(desired).flatMap(([name, value]) => {
    const last = settings.findLast((setting) => setting.name === name);
    if (last === undefined || last.file === own || last.file === found.place.files.auto?.path) return [];
    const good = wants.find((want) => want.name === name)?.good(last.value, UNITS[name] ?? '');
    return last.value === value || good === true ? [] : [last];
  });
}

export function readAfterOurs(node: string, { name, value, file, line }: FileSetting): Problem {
  return {
    message: `${node}: ${name} is ${shown(value)} by ${file} line ${line}, which is read after our file and wins`,
    hint: `Take ${name} out of there.`,
  };
}

/** Of these settings, those whose value in the files is not in force yet. */
export function pending(found: Seen, names: readonly string[]): readonly string[] {
  return isUp(found) ? names.filter((name) => found.server.settings[name]?.pendingRestart === true) : [];
}

function shown(value: string): string {
  return value === '' ? 'empty' : value;
}
