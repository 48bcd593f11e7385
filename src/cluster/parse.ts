import { dirname, isAbsolute, join } from 'node:path';
import { isMap, isSeq, LineCounter, parseDocument, type Document, type YAMLError } from 'yaml';
import type { Problem } from '../errors.ts';
import { checkCluster } from './check.ts';
import { complaints, isRecord, valueAt, type Complaint, type Place } from './complaint.ts';
import { parseDebianName } from './name.ts';
import { clusterSchema, type WrittenCluster, type WrittenNode } from './schema.ts';
import { slotName } from './slot.ts';
import type { Cluster, Node, PasswordSource } from './types.ts';

const DEFAULT_ROLE = 'replicator';

/** The cluster that the text of a cluster file says, or everything that is wrong with it, each with its line. */
export function parseCluster(text: string, file: string): Cluster | { problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = readDocument(text, lines);
  if ('problem' in document) return { problems: [{ message: `${file}: ${document.problem}` }] };
  if (document.errors.length > 0) return { problems: brokenYaml(document.errors, lines, file) };
  const result = readCluster(document, file);
  if ('cluster' in result) return result.cluster;
  return { problems: result.wrong.map((complaint) => located(complaint, document, lines, file)) };
}

/** Of what cannot be read the first place alone: the rest follows from it, and may quote whole screens. */
function brokenYaml(errors: readonly YAMLError[], lines: LineCounter, file: string): readonly Problem[] {
  const unreadable = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  return (unreadable === undefined ? errors : [unreadable]).map(({ message, pos }) => ({
    message: `${file}:${lines.linePos(pos[0]).line}: ${message.replace(/: [^]{60,}$/, '')}`,
  }));
}

type Read = { cluster: Cluster } | { wrong: Complaint[] };

function readDocument(text: string, lines: LineCounter): Document | { problem: string } {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  } catch (error) {
    return { problem: `is no YAML: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function readCluster(document: Document, file: string): Read {
  const raw = plainData(document);
  if (!isRecord(raw)) return { wrong: [{ place: [], message: EMPTY, hint: MINIMUM }] };
  const parsed = clusterSchema.safeParse(raw);
  const wrong = parsed.success ? [] : complaints(parsed.error.issues, raw);
  const readable = parsed.success ? parsed.data : whatIsLeft(raw, wrong);
  if (readable === undefined) return { wrong };
  const cluster = assemble(readable, file);
  const names = nodeNames(document);
  const crossed = checkCluster(cluster, names).filter(
    (found) => !wrong.some((known) => hides(known.meant ?? known.place, found.place)),
  );
  return wrong.length + crossed.length === 0 ? { cluster } : { wrong: [...wrong, ...crossed] };
}

const EMPTY = 'the file must hold settings: cluster, replication, nodes';
const MINIMUM = 'At least: cluster: shop, and under nodes: pg1: { pgdata: /var/lib/postgresql/17/main }.';

/** Undefined too where aliases are used to blow it up. */
function plainData(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

/** As they are written: `__proto__` would be lost as a key of an object. */
function nodeNames(document: Document): string[] {
  const nodes = document.get('nodes');
  return isMap(nodes) ? nodes.items.map((pair) => String(pair.key)) : [];
}

/** The file without what is wrong in itself, so that the rest can be checked in the same run. */
function whatIsLeft(raw: unknown, wrong: readonly Complaint[]): WrittenCluster | undefined {
  const copy: unknown = structuredClone(raw);
  for (const { place } of wrong) {
    const parent = valueAt(copy, place.slice(0, -1));
    const key = place.at(-1);
    if (isRecord(parent) && key !== undefined) Reflect.deleteProperty(parent, key);
  }
  return clusterSchema.safeParse({ cluster: 'unnamed', ...(isRecord(copy) ? copy : {}) }).data;
}

/** Whether `found` only follows from `known`: it is inside it, or it is about all nodes and `known` about one of them. */
function hides(known: Place, found: Place): boolean {
  if (known.every((key, depth) => found[depth] === key)) return true;
  return found.length === 1 && known[0] === 'nodes' && (known.length === 2 || known[2] === 'upstream');
}

function assemble(written: WrittenCluster, file: string): Cluster {
  const { role = DEFAULT_ROLE, password } = written.replication ?? {};
  const common = written.superuser === undefined ? {} : { superuser: written.superuser };
  return {
    name: written.cluster,
    replication: { role, ...(password === undefined ? {} : { password: besideFile(password, file) }) },
    nodes: Object.entries(written.nodes).map(([name, node]) => toNode(name, { ...common, ...node })),
    file,
  };
}

function besideFile(source: PasswordSource, file: string): PasswordSource {
  if (!('file' in source) || isAbsolute(source.file)) return source;
  return { file: join(dirname(file), source.file) };
}

function toNode(name: string, written: WrittenNode): Node {
  const { on = { via: 'local' as const }, pgdata, slot = slotName(name), ...rest } = written;
  const debian = pgdata === undefined ? undefined : parseDebianName(pgdata);
  const data = pgdata === undefined ? {} : debian === undefined ? { pgdata } : { debian };
  return { name, host: on, slot, ...rest, ...data };
}

function located(
  { place, message, hint }: Complaint,
  document: Document,
  lines: LineCounter,
  file: string,
): Problem {
  const offset = offsetOf(document.contents, place);
  const where = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  return { message: `${message} (${where})`, ...(hint === undefined ? {} : { hint }) };
}

/** Where the key stands that the place ends with, or the innermost one before it that is there. */
function offsetOf(contents: unknown, place: Place): number | undefined {
  const [key, ...rest] = place;
  if (key === undefined) return undefined;
  if (isSeq(contents))
    return offsetOf(contents.items[Number(key)], rest) ?? rangeStart(contents.items[Number(key)]);
  if (!isMap(contents)) return undefined;
  const pair = contents.items.find((item) => String(item.key) === String(key));
  return pair === undefined ? undefined : (offsetOf(pair.value, rest) ?? rangeStart(pair.key));
}

function rangeStart(node: unknown): number | undefined {
  const range = isRecord(node) ? node['range'] : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
