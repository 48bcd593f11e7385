import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHistory } from '../../../src/plan/history.ts';
import { as, OWNER, program, withoutPg } from '../../e2e/support/machine.ts';
import {
  configure,
  newServer,
  socketOf,
  sql,
  startServer,
  stopServer,
  writeAsOwner,
} from '../../e2e/support/server.ts';
import type { Difference } from './runs.ts';

export const TIMELINE = 5;
const FILE = 'pg_wal/00000005.history';

/** A primary of that timeline: a promotion takes the first of which no history file is there. */
export function newServerOfTimeline(pgdata: string, port: number): void {
  newServer(pgdata, port);
  stopServer(pgdata);
  for (const timeline of [2, 3, 4]) writeAsOwner(join(pgdata, `pg_wal/0000000${timeline}.history`), '');
  writeAsOwner(join(pgdata, 'standby.signal'), '');
  configure(pgdata, { recovery_target_timeline: 'current' });
  startServer(pgdata);
  sql(pgdata, 'SELECT pg_promote();');
  sql(pgdata, 'CHECKPOINT;');
}

/**
 * A walsender reads the history of its own timeline when an earlier one is asked for, and says where that was left
 * where more is asked for than there is: StartReplication() in walsender.c.
 */
export function compareHistory(pgdata: string, texts: readonly string[]): readonly Difference<string>[] {
  return texts.filter(isTold).flatMap((text) => {
    writeFileSync(join(pgdata, FILE), text);
    const theirs = asked(pgdata);
    const ours = answer(text);
    return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ input: text, ours, theirs }];
  });
}

const ASKED = [1, 2, 3, 4];
/** Later than every position but one. */
const LATE = 'FFFFFFFF/FFFFFFFF';

/** Of a timeline that was left nowhere, or at the end of all WAL, the walsender says nothing. */
function isTold(text: string): boolean {
  const history = parseHistory(TIMELINE, text);
  return !('timeline' in history) || !history.ended.some(({ end }) => end === LATE || /^0+\/0+$/.test(end));
}

type Answer = 'refused' | readonly string[];

function answer(text: string): Answer {
  const history = parseHistory(TIMELINE, text);
  if (!('timeline' in history)) return 'refused';
  return ASKED.map((timeline) => {
    const end = history.ended.find((each) => each.timeline === timeline)?.end;
    if (end === undefined) return 'not in it';
    const [high = '', low = ''] = end.split('/').map((half) => half.replace(/^0+(?=.)/, ''));
    return `${high}/${low}`;
  });
}

function asked(pgdata: string): Answer {
  const { port, socketDir } = socketOf(pgdata);
  const words = ASKED.map((timeline) => `START_REPLICATION PHYSICAL ${LATE} TIMELINE ${timeline};`);
  const [name = '', ...rest] = as(OWNER, [
    program('psql'),
    '-XAtq',
    `host=${socketDir} port=${port} replication=true`,
  ]);
  const { stderr } = spawnSync(name, rest, {
    input: words.join('\n'),
    env: { ...withoutPg(), LC_ALL: 'C' },
    cwd: '/',
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (/(?:syntax error|invalid data) in history file/.test(stderr)) return 'refused';
  return stderr
    .split(/^ERROR: /m)
    .slice(1)
    .map((said) => {
      if (/requested timeline \d+ is not in this server's history/.test(said)) return 'not in it';
      return /forked from timeline \d+ at (\S+)\.$/m.exec(said)?.[1] ?? said;
    });
}
