import type * as z from 'zod';
import { keysAt } from './schema.ts';
import { similar } from './similar.ts';

export type Place = readonly PropertyKey[];

/** Something wrong at a place of the file; load.ts adds the line. */
export type Complaint = {
  place: Place;
  message: string;
  hint?: string;
  /** The setting that was probably meant by an unknown one. */
  meant?: Place;
};

type Issue = z.core.$ZodIssue;

/** zod's findings as sentences of ours, one for each setting. */
export function complaints(issues: readonly Issue[], raw: unknown): Complaint[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey(issue.path, key))
      : [ofSetting(issue, raw)],
  );
}

/** What stands at the place: undefined where nothing does. */
export function valueAt(raw: unknown, place: Place): unknown {
  return place.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), raw);
}

export function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

/** `pg2: port` for a setting of a node, `replication.role` for one of the whole file. */
function subject(place: Place): string {
  const [first, node, ...rest] = place.map(String);
  if (first !== 'nodes' || node === undefined) return place.map(String).join('.');
  return rest.length === 0 ? node : `${node}: ${rest.join('.')}`;
}

function unknownKey(place: Place, key: string): Complaint {
  const known = keysAt(place);
  const meant = similar(key, known);
  const full = [...place, key];
  const message = `${subject(full)} is not a setting`;
  if (meant === undefined)
    return { place: full, message, hint: `The settings here are ${known.join(', ')}.` };
  return { place: full, message, hint: `Did you mean ${meant}?`, meant: [...place, meant] };
}

function ofSetting(issue: Issue, raw: unknown): Complaint {
  const { path: place } = issue;
  const value = valueAt(raw, place);
  const about = place.length === 0 ? 'the file' : subject(place);
  if (issue.code !== 'invalid_type') return { place, message: `${about} ${issue.message}`, ...hintOf(issue) };
  if (value === undefined) return { place, message: `${about} is missing` };
  if (place.at(-1) === 'password')
    return { place, message: `${about} must say where the password is`, hint: ELSEWHERE };
  const shape = SHAPES[issue.expected] ?? issue.message;
  return { place, message: `${about} ${shape}`, ...quoteHint(issue.expected, value) };
}

const ELSEWHERE =
  'Passwords do not go into this file: write { file: PATH }, { env: NAME } or { command: [PROGRAM, WORD] }.';

const SHAPES: Readonly<Record<string, string>> = {
  string: 'must be a text',
  object: 'must hold settings, a key and a value each',
  record: 'must hold entries, a name and a value each',
  array: 'must be a list',
};

function hintOf(issue: Issue): { hint?: string } {
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined;
  return typeof hint === 'string' ? { hint } : {};
}

/** YAML reads 17 and true as something else than text. */
function quoteHint(expected: string, value: unknown): { hint?: string } {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  return expected === 'string' && scalar ? { hint: `Put it into quotes: "${String(value)}".` } : {};
}
