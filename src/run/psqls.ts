import type { Step } from '../plan/plan.ts';
import { newToken } from './token.ts';
import { begin, type Spawned } from './spawn.ts';

type At = Pick<Step, 'node' | 'asLogin'>;
type Asked = { stdin: string; seconds: number };
type Session = ReturnType<typeof begin> & {
  /** When it answered last; 0 where something else was done on its node since: its server may have gone. */
  answered: number;
};

export type Psqls = {
  /** SQL in the session of the step's node; what psql says and its exit status are those of a psql of its own. */
  ask: (step: At, argv: readonly string[], asked: Asked) => Promise<Spawned>;
  /** A session that will be asked. */
  open: (step: At, argv: readonly string[]) => void;
  /** Something else was done on the node: its server may have gone meanwhile. */
  doubt: (node: string) => void;
  close: () => Promise<void>;
};

/** Milliseconds for which an answer is good for another question. */
const SURE_MS = 200;

/**
 * One psql for each node, opened when it is first asked and kept: a question then costs a round trip, not a process
 * and a connection. It ends at an error as any psql does, and the next question opens another one.
 */
export function openPsqls(onNode: (step: At, argv: readonly string[]) => readonly string[]): Psqls {
  const sessions = new Map<string, Session>();
  const queues = new Map<string, Promise<unknown>>();
  const keyOf = ({ node }: At, argv: readonly string[]): string => [node, ...argv].join('\0');
  const opened = (key: string, step: At, argv: readonly string[]): Session => {
    const session = { ...begin(onNode(step, argv)), answered: 0 };
    sessions.set(key, session);
    return session;
  };
  const ask: Psqls['ask'] = (step, argv, asked) => {
    const key = keyOf(step, argv);
    const next = (queues.get(key) ?? Promise.resolve()).then(async () => {
      const kept = sessions.get(key);
      const alive =
        kept !== undefined && (performance.now() - kept.answered < SURE_MS || (await isThere(kept)));
      if (kept !== undefined && !alive) void kept.end();
      const session = alive ? kept : opened(key, step, argv);
      const answer = await question(session, asked);
      if (session.heard.ended || answer.timedOut) sessions.delete(key);
      else session.answered = performance.now();
      return answer;
    });
    queues.set(key, next);
    return next;
  };
  return {
    ask,
    open: (step, argv) => {
      const key = keyOf(step, argv);
      if (!sessions.has(key)) opened(key, step, argv);
    },
    doubt: (node) => {
      for (const [key, session] of sessions) if (key.startsWith(`${node}\0`)) session.answered = 0;
    },
    close: async () => void (await Promise.all([...sessions.values()].map(({ end }) => end()))),
  };
}

/** A server that was restarted has closed the connection; the statement itself must not find that out. */
async function isThere(session: Session): Promise<boolean> {
  if (session.heard.ended) return false;
  return (await question(session, { stdin: 'SELECT 1;\n', seconds: 2 })).code === 0;
}

async function question({ conversation, heard }: Session, { stdin, seconds }: Asked): Promise<Spawned> {
  const began = performance.now();
  const token = newToken();
  heard.stdout = '';
  heard.stderr = '';
  conversation.write(`${stdin}\n\\echo ${token}\n`);
  const answered = await conversation.listen(() => heard.stdout.endsWith(`${token}\n`), seconds);
  const ms = performance.now() - began;
  if (answered)
    return {
      code: 0,
      stdout: heard.stdout.slice(0, -(token.length + 1)),
      stderr: heard.stderr,
      timedOut: false,
      ms,
    };
  const timedOut = !heard.ended;
  if (timedOut) conversation.kill();
  return {
    code: heard.code,
    stdout: heard.stdout,
    stderr: heard.stderr || heard.why,
    timedOut,
    ms,
  };
}
