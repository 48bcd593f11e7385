import * as z from 'zod';
import { parseHost } from './host.ts';
import { parseDebianName } from './name.ts';
import { pathFault } from './path.ts';
import { roleFault } from './role.ts';
import { isSlotName } from './slot.ts';
import type { PasswordSource } from './types.ts';

// A file is read once: a parser that is compiled for it costs more than it saves.
z.config({ jitless: true });

// Every message is what follows the name of the setting: "port must be ...". complaint.ts puts the two together.

const CONTROL = /\p{Cc}/u;
const BYTES_OF_A_NAME = 63;

const line = z.string().refine((text) => text.trim() !== '' && !CONTROL.test(text), {
  error: 'must be one line and not empty',
});

const clusterName = line.refine((text) => text.length <= BYTES_OF_A_NAME && !text.includes('/'), {
  error: `must have at most ${BYTES_OF_A_NAME} characters, none of them a slash`,
});

const role = z.string().superRefine((text, context) => {
  const wrong = roleFault(text);
  if (wrong !== undefined) context.addIssue(wrong);
});

const superuser = line.refine((text) => new TextEncoder().encode(text).length <= BYTES_OF_A_NAME, {
  error: `must have at most ${BYTES_OF_A_NAME} bytes`,
});

const word = z.string().refine((text) => !text.includes('\0'), { error: 'must not hold a NUL' });

const onePassword = z
  .strictObject({
    file: word.min(1, { error: 'must not be empty' }).exactOptional(),
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of an environment variable' })
      .exactOptional(),
    command: z
      .array(word)
      .refine(([program = '']) => program !== '', { error: 'must be a list of words, a program first' })
      .exactOptional(),
  })
  .transform((found, context): PasswordSource => {
    const { file, env, command } = found;
    const given = [file, env, command].filter((value) => value !== undefined);
    if (given.length !== 1) context.addIssue('must be exactly one of { file }, { env } and { command }');
    if (file !== undefined) return { file };
    return env === undefined ? { command: command ?? [] } : { env };
  });

const host = z.string().transform((text, context) => {
  const parsed = parseHost(text);
  if (!('error' in parsed)) return parsed;
  context.issues.push({
    code: 'custom',
    input: text,
    message: `names no host: ${parsed.error}`,
    params: { hint: parsed.hint },
  });
  return z.NEVER;
});

const address = z.string().regex(/^[^\s\p{C},]+$/u, { error: 'must be one name or address' });
const ofPort = { error: 'must be a number from 1 to 65535' };
const port = z.int(ofPort).min(1, ofPort).max(65535, ofPort);
const path = z.string().superRefine((text, context) => {
  const wrong = pathFault(text);
  if (wrong !== undefined) context.addIssue(wrong);
});
const pgdata = z.string().superRefine((text, context) => {
  const wrong = parseDebianName(text) === undefined ? pathFault(text) : undefined;
  if (wrong !== undefined) context.addIssue(wrong);
});
const debian = z.string().transform((text, context) => {
  const name = parseDebianName(text);
  if (name !== undefined) return name;
  context.addIssue('must be a major from 10 on and a name, as 17/main');
  return z.NEVER;
});
const slot = z.string().refine(isSlotName, { error: 'must be 1 to 63 of a-z, 0-9 and _' });

const node = z.strictObject({
  address: address.exactOptional(),
  port: port.exactOptional(),
  on: host.exactOptional(),
  pgdata: pgdata.exactOptional(),
  debian: debian.exactOptional(),
  bindir: path.exactOptional(),
  superuser: superuser.exactOptional(),
  waldir: path.exactOptional(),
  tablespaces: z.record(z.string(), path).exactOptional(),
  upstream: z.string().exactOptional(),
  slot: slot.exactOptional(),
});

const replication = z.strictObject({ role: role.exactOptional(), password: onePassword.exactOptional() });

/** pgrepl.yaml, each setting by itself. What must hold between settings is in check.ts. */
export const clusterSchema = z.strictObject({
  cluster: clusterName,
  superuser: superuser.exactOptional(),
  replication: replication.exactOptional(),
  nodes: z.record(z.string(), node),
});

export type WrittenCluster = z.output<typeof clusterSchema>;
export type WrittenNode = z.output<typeof node>;

/** The keys that may stand at a place of the file. */
export function keysAt(place: readonly PropertyKey[]): readonly string[] {
  if (place.length === 0) return Object.keys(clusterSchema.shape);
  if (place[0] === 'nodes') return Object.keys(node.shape);
  return place.length === 1 ? Object.keys(replication.shape) : ['file', 'env', 'command'];
}
