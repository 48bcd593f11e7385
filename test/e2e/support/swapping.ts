import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { waitFor } from './machine.ts';
import { pgrepl, type Result } from './pgrepl.ts';
import { sql } from './server.ts';
import { trio, type Trio } from './trio.ts';
import { hasEveryRow, writerOn, type Writer } from './writer.ts';

export const NODES = ['pg1', 'pg2', 'pg3'] as const;

/** What a switchover is tried on. */
export type Stage = Trio & { readonly writer: Writer };

/** Three nodes and a client that writes to whichever is the primary, from before the first test to after the last. */
export function trioWithWriter(more: Parameters<typeof trio>[0] = {}): Stage {
  const { make, ...stage } = trio(more);
  let writer: Writer | undefined;
  beforeAll(async () => {
    await make();
    writer = await writerOn(
      stage.data('pg1'),
      NODES.map((name) => stage.port(name)),
    );
  });
  afterAll(async () => writer?.stop());
  return {
    ...stage,
    get writer() {
      if (writer === undefined) throw new Error('the writer starts before the first test');
      return writer;
    },
  };
}

type Seen = { standby: boolean; slots: readonly string[]; senders: readonly string[] };

const LOOK = `SELECT json_build_object('standby', pg_is_in_recovery(),
  'slots', coalesce((SELECT json_agg(slot_name ORDER BY slot_name) FROM pg_replication_slots), '[]'),
  'senders', coalesce((SELECT json_agg(application_name ORDER BY application_name) FROM pg_stat_replication WHERE state = 'streaming'), '[]'));`;

export function seen(stage: Trio, name: string): Seen {
  return JSON.parse(sql(stage.data(name), LOOK)) as Seen;
}

/** That the node, and it alone, takes writes, the others stream from it, and nothing of what was placed is left. */
export async function isSound(
  stage: Stage,
  primary: string,
  upstreams: Readonly<Record<string, string>> = {},
): Promise<void> {
  await stage.writer.acknowledges(3);
  for (const name of NODES) {
    const below = NODES.filter((each) => each !== primary && (upstreams[each] ?? primary) === name);
    const wanted: Seen = { standby: name !== primary, slots: below, senders: below };
    // One moved away a moment ago is shown until its walsender has seen that.
    await waitFor(() => JSON.stringify(seen(stage, name)) === JSON.stringify(wanted), {
      what: `${name} has ${below.join(', ') || 'nobody'} below it, not ${JSON.stringify(seen(stage, name))}`,
    });
  }
  const data = stage.data(primary);
  expect(existsSync(join(data, 'standby.signal'))).toBe(false);
  expect(readFileSync(join(data, 'postgresql.auto.conf'), 'utf8')).not.toMatch(/^primary_/m);
  await keepsEverything(stage);
}

/** No row that is acknowledged by now is missing on any node, once it has replayed what there is. */
export async function keepsEverything(stage: Stage, nodes: readonly string[] = NODES): Promise<void> {
  for (const name of nodes) await hasEveryRow(stage.data(name), stage.writer);
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

/** A switchover that is sent a signal when it has told its k-th step. */
export function endedAt(stage: Trio, signal: NodeJS.Signals, to: string, k: number): Promise<Result> {
  let sent = false;
  return pgrepl(['switchover', to, '-c', stage.file], {
    onStderr: (text, child) => {
      // A second Ctrl-C would kill it.
      if (sent || (text.match(/^✓/gm) ?? []).length < k) return;
      sent = true;
      child.kill(signal);
    },
  });
}
