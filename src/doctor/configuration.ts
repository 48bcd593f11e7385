import type { Node } from '../cluster/types.ts';
import { isRunning, type RunningState, type View } from '../facts/view.ts';
import { fileSettings } from '../plan/effective.ts';
import { leftovers } from '../plan/link.ts';
import { pendingOf } from '../report/healthOfServer.ts';
import { leftSignal } from '../report/leftSignal.ts';
import { serviceCommand } from '../report/serviceCommand.ts';
import { checking, EVERY, type Check, type Examiner } from './check.ts';

const files = checking('configuration', EVERY);

/** What the files say is what is in force, and nothing of a past life is in them. */
export const configuration: Examiner = (the, own, found) => {
  const { name } = own;
  if (!isRunning(found)) return [];
  const { server } = found;
  const mend = 'Mend the line and reload; until then nothing new of the file is taken.';
  const wrong = [
    ...server.fileErrors.map(({ file, line, error }) =>
      files.wrong(name, `${file} line ${line}: ${error}`, mend),
    ),
    ...server.hba.flatMap(({ file, line, error }) =>
      error === undefined ? [] : [files.wrong(name, `${file ?? 'pg_hba.conf'} line ${line}: ${error}`, mend)],
    ),
    ...overridden(name, found),
    ...pending(own, found),
    ...stale(the, own, found),
  ];
  return wrong.length > 0
    ? wrong
    : [files.ok(name, 'its files have no errors, and what they say is in force')];
};

/** Our file is read last, so that what it says is in force; postgresql.auto.conf and later includes beat it. */
function overridden(name: string, found: RunningState): readonly Check[] {
  const own = found.place.files.own?.path;
  if (own === undefined) return [];
  const lines = fileSettings(found.place);
  return lines
    .filter(({ file }) => file === own)
    .flatMap((line) => {
      const last = lines.findLast((other) => other.name === line.name);
      if (last === undefined || last.file === own || last.value === line.value) return [];
      const hint = last.file.endsWith('postgresql.auto.conf')
        ? `psql -c 'ALTER SYSTEM RESET ${line.name}' on ${name}, and reload.`
        : `Take it out of ${last.file}, or put the include of ${own} last.`;
      return [
        files.warning(
          name,
          `${line.name} of ${own} is beaten by ${last.file} line ${last.line}: ${last.value}`,
          hint,
        ),
      ];
    });
}

function pending(node: Node, found: RunningState): readonly Check[] {
  const names = pendingOf(found.server);
  if (names.length === 0) return [];
  return [
    files.warning(
      node.name,
      `waits for a restart: ${names.join(', ')}`,
      `Restart it when it suits: ${serviceCommand(node, found, 'restart')}.`,
    ),
  ];
}

function stale(view: View, own: Node, found: RunningState): readonly Check[] {
  if (found.is !== 'primary') return [];
  const { name } = own;
  const left = leftSignal(view, own, found);
  const names = left?.ofSwitchover === true ? [] : leftovers(found);
  const message = `left over in postgresql.auto.conf: ${names.join(', ')}`;
  return [
    ...(left === undefined ? [] : [files.warning(name, left.what, left.hint)]),
    ...(names.length === 0
      ? []
      : [files.warning(name, message, `\`pgrepl promote ${name}\` takes them out.`)]),
  ];
}
