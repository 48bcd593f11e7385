import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { waitFor } from './machine.ts';
import type { Result } from './pgrepl.ts';
import { sql } from './server.ts';
import type { Trio } from './trio.ts';
import { Writer, prepareWriter } from './writer.ts';

export const NODES = ['pg1', 'pg2', 'pg3'] as const;

/** A writer that tries every node; it goes on through whatever is done to them. */
export async function writerOn(stage: Trio, primary = 'pg1'): Promise<Writer> {
  prepareWriter(stage.data(primary));
  return new Writer(NODES.map((name) => stage.port(name))).start();
}

/** That the node, and it alone, takes writes, the others stream from it, and nothing of what was placed is left. */
export async function isSound(
  stage: Trio,
  primary: string,
  writer: Writer,
  upstreams: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writer.acknowledges(3);
  for (const name of NODES) {
    expect([name, sql(stage.data(name), 'SELECT pg_is_in_recovery();')]).toEqual([
      name,
      name === primary ? 'f' : 't',
    ]);
  }
  for (const name of NODES.filter((each) => each !== primary)) {
    const from = upstreams[name] ?? primary;
    await waitFor(() => streamsFrom(stage, name, from), { what: `${name} streams from ${from}` });
  }
  const data = stage.data(primary);
  expect(existsSync(join(data, 'standby.signal'))).toBe(false);
  expect(readFileSync(join(data, 'postgresql.auto.conf'), 'utf8')).not.toMatch(/^primary_/m);
  await keepsEverything(stage, writer);
  for (const name of NODES.filter((each) => each !== primary)) {
    const used = NODES.filter((each) => (upstreams[each] ?? primary) === name);
    expect([name, slotsOf(stage, name)]).toEqual([name, used]);
  }
}

/** No acknowledged row is missing on any node, once it has replayed what was there when this was asked. */
export async function keepsEverything(stage: Trio, writer: Writer): Promise<void> {
  for (const name of NODES) {
    await waitFor(() => writer.lost(stage.data(name)).length < 20, { what: `${name} has replayed` });
    const lost = writer.lost(stage.data(name));
    await waitFor(() => writer.lost(stage.data(name)).every((n) => !lost.includes(n)), {
      what: `${name} has every acknowledged row`,
    });
  }
}

function streamsFrom(stage: Trio, name: string, upstream: string): boolean {
  const text = `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '${name}';`;
  return sql(stage.data(upstream), text) === '1';
}

export function slotsOf(stage: Trio, name: string): readonly string[] {
  const text = 'SELECT slot_name FROM pg_replication_slots ORDER BY 1;';
  return sql(stage.data(name), text).split('\n').filter(Boolean);
}

export async function isUnchanged(stage: Trio, primary: string): Promise<void> {
  const again = await stage.run('switchover', primary, '--json');
  expect(again.json()).toMatchObject({ outcome: 'unchanged', changed: false, steps: [], status: 0 });
}

/** With what it said, where it is not the expected one. */
export function endsWith(result: Result, code: number): Result {
  if (result.code !== code)
    throw new Error(`status ${result.code}, not ${code}:\n${result.stderr}${result.stdout}`);
  return result;
}
