import type { Problem } from '../errors.ts';
import { fileSettings } from './effective.ts';
import { isUp, type Seen } from './steps.ts';

/** Settings of ours that postgresql.auto.conf or the command line sets too: both beat every file (config-setting). */
export function overriding(found: Seen, desired: Readonly<Record<string, string>>): readonly Problem[] {
  const auto = found.place.files.auto?.path;
  const byAlterSystem = fileSettings(found.place)
    .filter(
      ({ file, name, value }) => file === auto && desired[name] !== undefined && desired[name] !== value,
    )
    .map(({ name, value, file, line }) => ({
      message: `${found.node}: ${name} is ${value} by ALTER SYSTEM, ${file} line ${line}, and that beats every other file`,
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
          message: `${found.node}: ${name} is ${found.server.settings[name]?.value ?? '?'} by the command line of the server, and that beats every file`,
          hint: `Take ${name} out of the words the server is started with.`,
        }));
  return [...byAlterSystem, ...byCommand];
}

/** Of these settings, those whose value in the files is not in force yet. */
export function pending(found: Seen, names: readonly string[]): readonly string[] {
  return isUp(found) ? names.filter((name) => found.server.settings[name]?.pendingRestart === true) : [];
}
