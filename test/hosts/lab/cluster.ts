import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { clusterFile } from '../../e2e/support/clusterFile.ts';
import { waitFor } from '../../e2e/support/machine.ts';
import { pgrepl, startPgrepl, type Document, type Result, type Started } from '../../e2e/support/pgrepl.ts';
import { PREPARE_WRITER, Writer } from '../../e2e/support/writer.ts';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

export type NodeSpec = { host: Host; upstream?: string; pgdata?: string; port?: number; bindir?: string };

export type TheCluster = {
  file: string;
  hosts: Readonly<Record<string, Host>>;
  pgdata: (node: string) => string;
  /** A verb must succeed, and running it again must find nothing to do. */
  does: (...words: readonly string[]) => Promise<Document>;
  /** A verb, however it ends; with --json. */
  tries: (...words: readonly string[]) => Promise<Result>;
  /** Run again until it arrives, as a script would after a failure; then there is nothing to do. */
  arrives: (...words: readonly string[]) => Promise<void>;
  starts: (...words: readonly string[]) => Started;
  /** For people: what is given is called once, when its first step is done. */
  startsTelling: (onStep: () => void, ...words: readonly string[]) => Started;
  status: () => Promise<Document>;
  /** Waits until status says that all is well. */
  healthy: () => Promise<Document>;
  /** A client of every node at once, writing to the one that takes writes. */
  writer: (nodes?: readonly string[]) => Promise<Writer>;
  until: (condition: () => Promise<boolean>, what: string) => Promise<void>;
  /** The nodes that take writes, asked by their own sockets. */
  takesWrites: () => Promise<readonly string[]>;
  /** The same questions in the end of every story. */
  endsWell: (primary: string, writer?: Writer, nodes?: readonly string[]) => Promise<void>;
};

/** Generous: the machine has two cores and other work. */
const PATIENCE = 240;

/** More is no convergence. */
const RUNS = 6;

export function clusterOf(lab: Lab, specs: Readonly<Record<string, NodeSpec>>): TheCluster {
  const names = Object.keys(specs);
  const specOf = (name: string): NodeSpec => specs[name] ?? fail(`there is no node ${name}`);
  const pgdata = (name: string): string =>
    specOf(name).pgdata ?? `/var/lib/postgresql/${specOf(name).host.major}/data`;
  const file = clusterFile(
    lab.dir,
    Object.fromEntries(
      names.map((name) => {
        const { host, pgdata: _, ...rest } = specOf(name);
        return [name, { address: host.address, on: host.on, pgdata: pgdata(name), ...rest }];
      }),
    ),
  );
  const env = { PGREPL_SSH: lab.keys.ssh };
  const argv = (words: readonly string[]): readonly string[] => [...words, '--json', '--config', file];
  const told = async (words: readonly string[], ended: Promise<Result>): Promise<Result> => {
    const result = await ended;
    const said = `$ pgrepl ${words.join(' ')}: ${result.code} after ${Math.round(result.ms)} ms`;
    // Of one look after the other the last one is told.
    if (lab.said.at(-1)?.startsWith('$ pgrepl status:') === true && words[0] === 'status') lab.said.pop();
    lab.said.push(result.code === 0 ? said : `${said}\n${whatIsWrong(result)}`);
    lab.figure({ verbs: 1 });
    return result;
  };
  const tries: TheCluster['tries'] = (...words) =>
    told(words, pgrepl(argv(words), { env, seconds: PATIENCE }));
  const starts: TheCluster['starts'] = (...words) => {
    const started = startPgrepl(argv(words), { env, seconds: PATIENCE });
    return { child: started.child, ended: told(words, started.ended) };
  };
  const startsTelling: TheCluster['startsTelling'] = (onStep, ...words) => {
    let steps = 0;
    const onStderr = (text: string): void => {
      if (steps > 0 || !/^✓/m.test(text)) return;
      steps += 1;
      onStep();
    };
    const started = startPgrepl([...words, '--config', file], { env, seconds: PATIENCE, onStderr });
    return { child: started.child, ended: told(words, started.ended) };
  };
  const does: TheCluster['does'] = async (...words) => {
    const done = await tries(...words);
    expect(done, `pgrepl ${words.join(' ')}`).toMatchObject({ code: 0 });
    const again = (await tries(...words)).json();
    expect(again, `again: ${words.join(' ')}`).toMatchObject({
      outcome: 'unchanged',
      changed: false,
      steps: [],
      status: 0,
    });
    return done.json();
  };
  /** What a pgrepl that is gone had begun on a host comes to its end first: until then another one works on it. */
  const unlocked = async (words: readonly string[]): Promise<number> => {
    let { code } = await tries(...words);
    const isFree = async (): Promise<boolean> => code !== 8 || ({ code } = await tries(...words)).code !== 8;
    await waitFor(isFree, { seconds: 90, what: `nobody else works on what ${words.join(' ')} needs` });
    return code;
  };
  const arrives: TheCluster['arrives'] = async (...words) => {
    for (let run = 1; (await unlocked(words)) !== 0; run += 1)
      expect(run, `runs of ${words.join(' ')}`).toBeLessThan(RUNS);
    const again = await tries(...words);
    expect(again.json(), `again: ${words.join(' ')}`).toMatchObject({ outcome: 'unchanged', steps: [] });
  };
  const status = async (): Promise<Document> => (await tries('status')).json();
  const healthy = (): Promise<Document> =>
    waitFor(
      async () => {
        const now = await status();
        if (now.status !== 0) throw new Error(JSON.stringify(now['findings']));
        return now;
      },
      { seconds: 90, what: 'status says that all is well' },
    );
  const hosts = Object.fromEntries(names.map((name) => [name, specOf(name).host]));
  const takesWrites = (): Promise<readonly string[]> => writable(specs);
  return {
    ...{ file, hosts, pgdata, does, tries, arrives, starts, startsTelling, status, healthy, takesWrites },
    writer: (only = names) => newWriter(lab, Object.fromEntries(only.map((name) => [name, specOf(name)]))),
    until: async (condition, what) => {
      await waitFor(condition, { seconds: 90, what });
    },
    endsWell: async (primary, writer, nodes = names) => {
      expect(await takesWrites()).toEqual([primary]);
      await writer?.acknowledges(5, 90);
      await writer?.stop();
      const state = await healthy();
      expect(state.nodes.filter(({ role }) => role === 'primary').map(({ name }) => name)).toEqual([primary]);
      if (writer !== undefined) await nothingIsLost(lab, specs, writer, primary, nodes);
    },
  };
}

/** The problems of the document, or all it said where it said no document. */
function whatIsWrong(result: Result): string {
  try {
    const { error, refusals } = result.json();
    const all = error?.problems ?? refusals;
    return all.map(({ message }) => `    ${message}`).join('\n');
  } catch {
    return `${result.stderr}${result.stdout}`.trim().slice(-2000);
  }
}

async function writable(specs: Readonly<Record<string, NodeSpec>>): Promise<readonly string[]> {
  const found = await Promise.all(
    Object.entries(specs).map(async ([name, { host, port = 5432 }]) => {
      const answer = await host
        .sql('SELECT pg_is_in_recovery();', { seconds: 20, port })
        .catch(() => 'does not answer');
      return answer === 'f' ? [name] : [];
    }),
  );
  return found.flat();
}

/** Lets the writer in everywhere, since any of the nodes may be the primary one day. */
async function newWriter(lab: Lab, specs: Readonly<Record<string, NodeSpec>>): Promise<Writer> {
  const nodes = Object.values(specs);
  for (const { host, port = 5432 } of nodes) {
    const hba = await host.sql('SHOW hba_file;', { port });
    await host.exec(['sh', '-c', 'cat >>"$1"', 'hba', hba], {
      input: 'host postgres writer 0.0.0.0/0 scram-sha-256\n',
    });
    await host.sql('SELECT pg_reload_conf();', { port });
    if ((await host.sql('SELECT pg_is_in_recovery();', { port })) === 'f') {
      await host.sql(PREPARE_WRITER, { port });
    }
  }
  const writer = new Writer(nodes.map(({ host, port = 5432 }) => ({ host: host.address, port })));
  lab.said.push('the writer starts');
  return writer.start();
}

/** On every node, once it has all that the primary has. */
async function nothingIsLost(
  lab: Lab,
  specs: Readonly<Record<string, NodeSpec>>,
  writer: Writer,
  primary: string,
  nodes: readonly string[],
): Promise<void> {
  const of = (name: string): NodeSpec => specs[name] ?? fail(`there is no node ${name}`);
  const ask = (name: string, text: string): Promise<string> =>
    of(name).host.sql(text, { port: of(name).port ?? 5432 });
  const end = await ask(primary, 'SELECT pg_current_wal_lsn();');
  for (const name of nodes) {
    if (name !== primary) {
      await waitFor(async () => (await ask(name, `SELECT pg_last_wal_replay_lsn() >= '${end}';`)) === 't', {
        seconds: 90,
        what: `${name} has all of ${primary}`,
      });
    }
    const lost = writer.missing(await ask(name, 'SELECT n FROM written;'));
    if (name === primary) lab.figure({ rows: writer.count, lost: lost.length });
    expect(lost, `rows that were acknowledged and are not on ${name}`).toEqual([]);
  }
}

/** For a program that is no verb: a file in the directory of the story. */
export function fileOf(lab: Lab, name: string, text: string): string {
  const path = join(lab.dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function fail(message: string): never {
  throw new Error(message);
}
