import type { Problem } from '../errors.ts';
import type { ConfigFile } from '../facts/state.ts';
import { ownFile, withInclude } from '../render/conf.ts';
import { blockRules, parseHba, withBlock } from '../render/hba.ts';
import { ADD_INCLUDE } from '../tools/config.ts';
import { script } from '../tools/shell.ts';
import { ownPath, ownSettings } from './effective.ts';
import type { Step } from './plan.ts';
import { isUp, run, write, type Seen } from './steps.ts';
import type { Want } from './wants.ts';

/** The files as they should be, and the steps that write those that are not so. */
export function fileSteps(
  found: Seen,
  desired: Readonly<Record<string, string>>,
  rules: readonly string[],
): readonly Step[] {
  const own = ownPath(found.place);
  const ownText = ownFile(desired);
  const hba = found.place.files.hba;
  const hbaText = hba === undefined ? undefined : wantedHba(hba.text, rules);
  const conf = found.place.files.conf;
  const confText = conf === undefined || !own.include ? undefined : withInclude(conf.text, 'pgrepl.conf');
  const isSame =
    JSON.stringify(ownSettings(found.place)) === JSON.stringify(desired) || Object.keys(desired).length === 0;
  return [
    ...(isSame
      ? []
      : [
          write(
            found.node,
            'the settings replication needs',
            own.path,
            [ownText],
            // pg_lsclusters reads it as anybody.
            own.include ? '0600' : '0644',
            was(found.place.files.own),
          ),
        ]),
    ...(conf === undefined ||
    confText === undefined ||
    confText === conf.text ||
    Object.keys(desired).length === 0
      ? []
      : [included(found.node, conf, confText)]),
    ...(hba === undefined || hbaText === undefined || hbaText === hba.text
      ? []
      : [write(found.node, 'standbys are let in', hba.path, [hbaText], 'keep', was(hba))]),
  ];
}

/**
 * Rules that an earlier run made stay where they are: another script may have allowed another standby. Where the
 * file turns away who comes without TLS, our rules, which stand before that, ask for TLS too.
 */
export function wantedHba(text: string, rules: readonly string[]): string {
  const kept = blockRules(text);
  const wanted = asksForTls(text) ? rules.map((rule) => rule.replace(/^host\b/, 'hostssl')) : rules;
  return withBlock(text, [...kept, ...wanted.filter((rule) => !kept.includes(rule))]);
}

function asksForTls(text: string): boolean {
  const theirs = parseHba(withBlock(text, [])).records;
  return theirs.some(({ type, method }) => type === 'hostnossl' && method === 'reject');
}

const INCLUDED = 'postgresql.conf includes them';

/** Text that is no UTF-8 cannot be written back byte for byte, and is appended to where it is. */
function included(node: string, conf: ConfigFile, text: string): Step {
  return isUtf8(conf)
    ? write(node, INCLUDED, conf.path, [text], 'keep', was(conf))
    : includeStep(node, conf.path, 'pgrepl.conf');
}

/** The line that includes our file, appended on the host: to a postgresql.conf that we have not read or cannot write. */
export function includeStep(node: string, conf: string, file: string): Step {
  return run(node, INCLUDED, script(ADD_INCLUDE, 'include', conf, file));
}

/** What could not be decoded has become U+FFFD. */
function isUtf8({ text }: ConfigFile): boolean {
  return !text.includes('\ufffd');
}

function was(file: { text: string } | undefined): { was?: string } {
  return file === undefined ? {} : { was: file.text };
}

export function hbaProblems(found: Seen): readonly Problem[] {
  const hba = found.place.files.hba;
  if (hba === undefined)
    return [
      {
        message: `${found.node}: pg_hba.conf cannot be read`,
        hint: 'Run it as root or as the owner of the file.',
      },
    ];
  const encoding: Problem[] = isUtf8(hba)
    ? []
    : [
        {
          message: `${found.node}: ${hba.path} is no UTF-8, and could not be written back as it is`,
          hint: `iconv -f LATIN1 -t UTF-8 makes UTF-8 of it, where it is Latin-1.`,
        },
      ];
  const read = parseHba(hba.text).errors;
  const told = isUp(found)
    ? found.server.hba.flatMap(({ line, error, file }) =>
        error === undefined || read.some((known) => known.line === line)
          ? []
          : [{ line, message: error, file: file ?? hba.path }],
      )
    : [];
  const errors = [...read.map((each) => ({ ...each, file: hba.path })), ...told].map(
    ({ line, message, file }) => ({
      message: `${found.node}: ${file} line ${line}: ${message}`,
      hint: 'With an error in it the server keeps its old rules; mend the line first.',
    }),
  );
  return [...encoding, ...errors];
}

export function changedSettings(found: Seen, desired: Readonly<Record<string, string>>): readonly string[] {
  const own = ownSettings(found.place);
  return Object.keys(desired).filter((name) => own[name] !== desired[name]);
}

export function wantNotes(
  found: Seen,
  wants: readonly Want[],
  changed: readonly string[],
): readonly string[] {
  return wants
    .filter(({ name }) => changed.includes(name))
    .map(({ name, value, why }) => `${found.node}: ${name} = ${value}: ${why}`);
}
