import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { KEEP, OWN_AGAIN, REWIND, REWOUND, UNKEEP } from '../../src/tools/rewind.ts';
import { REWIND_AGAIN } from '../../src/tools/rewindAgain.ts';
import { script } from '../../src/tools/shell.ts';

const root = mkdtempSync(join(tmpdir(), 'pgrepl-rewind-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const segment = (number: number, timeline = 1): string =>
  `${String(timeline).padStart(8, '0')}00000000${String(number).padStart(8, '0')}`;

let real: string;
let work: string;
let count = 0;
beforeEach(() => {
  count += 1;
  real = join(root, `${count} it's`, 'data');
  work = `${real}.pgrepl-rewind`;
  for (const dir of ['pg_wal', 'global', 'log', 'pg_replslot/old'])
    mkdirSync(join(real, dir), { recursive: true });
  writeFileSync(join(real, 'global', 'pg_control'), 'its own');
  writeFileSync(join(real, 'postgresql.conf'), 'port = 1\n');
  writeFileSync(join(real, 'log', 'server.log'), 'said\n');
  for (let number = 2; number <= 6; number += 1) writeFileSync(wal(segment(number)), `own ${number}`);
});

const wal = (name: string): string => join(real, 'pg_wal', name);
const kept = (name: string): string => join(work, 'wal', name);
const read = (path: string): string => readFileSync(path, 'utf8');
const isShared = (path: string): boolean => statSync(path).nlink > 1;

function fine(literal: string, ...parameters: readonly string[]): void {
  const [program = '', ...rest] = script(literal, 'test', ...parameters);
  const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8', timeout: 20_000 });
  expect(status, stderr).toBe(0);
}

/** The fork is in segment 4. Without pg_waldump nobody knows where a checkpoint is, and all named segments are taken. */
function keep(theirs = '', waldump = '/nowhere', [at, oldest] = [4, 3]): void {
  const range = ['00000001', segment(6).slice(8), '0/4000100', theirs, waldump];
  fine(KEEP, work, real, 'log', ...range, segment(at ?? 0), segment(oldest ?? 0), '1 0/4000100 0/6000028');
}

/** Stands for pg_waldump, or pg_rewind, and says what it says. */
function program(name: string, text: string): string {
  const path = join(root, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Files of 5 bytes stand for segments. `own` is where the node's own last checkpoint begins. */
function waldump({ redo = 4, own = 6 } = {}): string {
  program(
    'pg_controldata',
    `echo "Latest checkpoint's REDO WAL file:    ${segment(own)}"; echo 'Time of latest checkpoint:'`,
  );
  return program(
    'pg_waldump',
    `case "$*" in
      *${segment(5)}*) echo 'rmgr: XLOG desc: CHECKPOINT_REDO wal_level replica' ;;
      *${segment(4)}*)
        echo 'rmgr: XLOG desc: CHECKPOINT_ONLINE redo 0/1; tli 1'
        echo 'rmgr: XLOG desc: CHECKPOINT_ONLINE redo 0/${(redo * 5).toString(16).toUpperCase()}; tli 1' ;;
    esac`,
  );
}

/** What pg_rewind's place is taken by; its exit status. */
function rewind(text: string): number | null {
  const words = script(REWIND, 'test', work, real, 'standby.signal', 'b', program('pg_rewind', text));
  return spawnSync(words[0] ?? '', words.slice(1), { timeout: 20_000 }).status;
}

const state = (): string => (existsSync(join(work, 'state')) ? read(join(work, 'state')).trim() : 'none');

describe('KEEP', () => {
  test('links what the source has not, and copies what it has: pg_rewind writes into that', () => {
    keep(`${segment(4)}-${segment(5)} ${segment(4, 2)}-${segment(9, 2)}`);
    expect(readdirSync(join(work, 'wal'))).toEqual([3, 4, 5, 6].map((number) => segment(number)));
    expect([3, 4, 5, 6].map((number) => isShared(kept(segment(number))))).toEqual([true, false, false, true]);
  });

  test('moves server logs, copies its own files, and takes them back', () => {
    keep();
    expect(read(join(work, 'pg_control'))).toBe('its own');
    expect(read(join(work, 'own', 'postgresql.conf'))).toBe('port = 1\n');
    expect(existsSync(join(real, 'log'))).toBe(false);
    fine(UNKEEP, work, real);
    expect(read(join(real, 'log', 'server.log'))).toBe('said\n');
    expect(existsSync(work)).toBe(false);
    expect(isShared(wal(segment(6)))).toBe(false);
  });
});

describe('KEEP after one that was killed', () => {
  test('takes no half copy of its own files for the files', () => {
    keep();
    writeFileSync(join(work, 'own', 'postgresql.conf'), 'po');
    keep();
    expect(read(join(real, 'postgresql.conf'))).toBe('port = 1\n');
    writeFileSync(join(work, 'own', 'postgresql.conf'), 'po');
    fine(UNKEEP, work, real);
    expect(read(join(real, 'postgresql.conf'))).toBe('port = 1\n');
  });

  test('goes on where not even its mark was there', () => {
    mkdirSync(work);
    keep();
    expect(existsSync(join(work, 'pgrepl'))).toBe(true);
  });
});

const there = (): string[] => readdirSync(join(real, 'pg_wal'));
const segments = (...numbers: readonly number[]): string[] => numbers.map((number) => segment(number));

describe('segments before the last checkpoint', () => {
  test('stay where that, or the last one of the node itself, begins', () => {
    keep(`${segment(3)}-${segment(3)}`, waldump({ redo: 3 }));
    expect(there()).toEqual(segments(3, 4, 5, 6));
    expect(readdirSync(join(work, 'wal'))).toEqual(segments(4, 5, 6));
    fine(UNKEEP, work, real);
    keep('', waldump({ own: 2 }));
    expect(there()).toEqual(segments(2, 3, 4, 5, 6));
  });

  test('are no other than those before a whole checkpoint: 17 marks where one began', () => {
    keep('', waldump(), [5, 3]);
    expect(there()).toEqual(segments(4, 5, 6));
    expect(readdirSync(join(work, 'wal'))).toEqual(segments(4, 5, 6));
  });

  test('come back for a second try', () => {
    keep('', waldump());
    fine(REWIND_AGAIN, work, real, segment(4), '0/4000100');
    expect(there()).toEqual(segments(2, 3, 4, 5, 6));
  });

  test('and after the fork of a source that branched off earlier do not come back', () => {
    keep('', waldump({ redo: 2 }), [5, 3]);
    fine(REWIND_AGAIN, work, real, segment(3), '0/3000100');
    for (const number of [2, 3, 4, 5, 6]) rmSync(wal(segment(number)));
    fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
    expect(there()).toEqual(segments(2));
    fine(REWIND_AGAIN, work, real, segment(6, 2), '0/3000100');
    expect(read(join(work, 'fork')).trim()).toBe(segment(3));
  });

  test('come back from where the server begins, if pg_rewind removed them', () => {
    keep(`${segment(5)}-${segment(5)}`, waldump({ redo: 3 }), [5, 4]);
    expect(readdirSync(join(work, 'wal'))).toEqual(segments(3, 4, 5, 6));
    for (const number of [3, 4, 6]) rmSync(wal(segment(number)));
    fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
    expect(there()).toEqual(segments(3, 4, 5));
    const name = `${real}.pgrepl-lost-1`;
    fine(REWOUND, work, name, real);
    expect(readdirSync(join(name, 'wal'))).toEqual(segments(5, 6));
    expect(there().map((each) => isShared(wal(each)))).toEqual([false, false, false]);
  });

  test('are moved out of the way of pg_rewind, and back', () => {
    keep('', waldump());
    expect(readdirSync(join(work, 'wal'))).toEqual([4, 5, 6].map((number) => segment(number)));
    expect(there()).toEqual([4, 5, 6].map((number) => segment(number)));
    fine(UNKEEP, work, real);
    expect(there()).toEqual([2, 3, 4, 5, 6].map((number) => segment(number)));
  });

  test('come back where a run that was killed is done again', () => {
    keep('', waldump());
    keep();
    expect(there()).toEqual([2, 3, 4, 5, 6].map((number) => segment(number)));
  });

  test('are removed once pg_rewind writes, and not before', () => {
    keep('', waldump());
    expect(rewind('echo "could not connect" >&2; exit 1')).toBe(1);
    expect(readdirSync(join(work, 'old'))).toEqual([2, 3].map((number) => segment(number)));
    expect(existsSync(join(work, 'state'))).toBe(false);
    expect(
      rewind(
        `echo 'pg_rewind: need to copy 1 MB' >&2; until [ ! -e '${work.replaceAll("'", `'\\''`)}/old' ]; do sleep 0.01; done`,
      ),
    ).toBe(0);
    expect(readFileSync(join(work, 'state'), 'utf8')).toBe('done\n');
    expect(existsSync(join(real, 'standby.signal'))).toBe(true);
  });
});

test.runIf(existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev)(
  'WAL on another file system is copied, there and back, and none is moved',
  () => {
    const elsewhere = mkdtempSync('/dev/shm/pgrepl-rewind-');
    try {
      cpSync(join(real, 'pg_wal'), elsewhere, { recursive: true });
      rmSync(join(real, 'pg_wal'), { recursive: true });
      symlinkSync(elsewhere, join(real, 'pg_wal'));
      keep('', waldump({ redo: 3 }), [5, 3]);
      expect(there()).toEqual(segments(2, 3, 4, 5, 6));
      expect(existsSync(join(work, 'old'))).toBe(false);
      for (const number of [2, 3, 4]) rmSync(wal(segment(number)));
      fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
      expect(there()).toEqual(segments(3, 4, 5, 6));
      fine(REWOUND, work, `${real}.pgrepl-lost-1`, real);
      expect(read(wal(segment(3)))).toBe('own 3');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test.runIf(existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev)(
  'what is moved to another file system is whole on one side at any time',
  () => {
    const elsewhere = mkdtempSync('/dev/shm/pgrepl-rewind-');
    const log = join(real, 'log', 'server.log');
    try {
      work = join(elsewhere, 'work');
      keep();
      expect(existsSync(join(real, 'log'))).toBe(false);
      // Killed on its way back: one is whole, and the other is half there, or half removed.
      cpSync(join(work, 'moved', 'log'), join(real, 'log'), { recursive: true });
      mkdirSync(join(work, 'moved', '.pgrepl-half'));
      rmSync(join(work, 'moved', 'log'), { recursive: true });
      keep();
      mkdirSync(join(real, '.pgrepl-half'));
      fine(UNKEEP, work, real);
      expect(read(log)).toBe('said\n');
      expect(readdirSync(real).filter((name) => name.startsWith('.'))).toEqual([]);
      keep();
      expect(readdirSync(join(work, 'moved'))).toEqual(['log']);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test('REWIND: a second try may be tried again, unless it is for want of WAL', () => {
  keep();
  expect(rewind('echo "could not connect" >&2; exit 1')).toBe(1);
  expect(state()).toBe('none');
  expect(rewind('echo "need to copy 1 MB" >&2; exit 1')).toBe(1);
  expect(state()).toBe('begun');
  expect(rewind('echo "could not connect" >&2; exit 1')).toBe(1);
  expect(state()).toBe('begun');
  expect(rewind('kill -9 $$')).toBe(137);
  expect(state()).toBe('begun');
  expect(rewind('echo "error: could not find previous WAL record at 0/3: no" >&2; exit 1')).toBe(1);
  expect(state()).toBe('stuck');
});

test('REWIND says that there is nothing to do: what was received beyond the fork goes, all else comes back', () => {
  keep('', waldump(), [5, 4]);
  expect(there()).toEqual(segments(4, 5, 6));
  expect(rewind('echo "servers diverged at WAL location 0/5 on timeline 1"; echo "no rewind required"')).toBe(
    0,
  );
  fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
  expect(there()).toEqual(segments(2, 3, 4));
  const name = `${real}.pgrepl-lost-1`;
  fine(REWOUND, work, name, real);
  expect(readdirSync(join(name, 'wal'))).toEqual(segments(5, 6));
  expect(isShared(wal(segment(4)))).toBe(false);
});

test('REWIND_AGAIN gives the segments back as files that may be written into', () => {
  keep();
  rmSync(wal(segment(6)));
  writeFileSync(join(real, 'global', 'pg_control'), 'of the source');
  fine(REWIND_AGAIN, work, real, segment(4), '0/4000100');
  expect(read(join(real, 'global', 'pg_control'))).toBe('its own');
  for (const number of [3, 4, 5, 6]) {
    writeFileSync(wal(segment(number)), 'of the source');
    expect(read(kept(segment(number)))).toBe(`own ${number}`);
  }
});

test('REWIND_AGAIN leaves nothing that the first source alone had: files of relations, and what was behind their end', () => {
  mkdirSync(join(real, 'base', '5'), { recursive: true });
  const at = (name: string): string => join(real, 'base', '5', name);
  for (const name of ['1', '2', '3', '4']) writeFileSync(at(name), 'of its own');
  keep();
  writeFileSync(at('2'), 'of its own, and more of the source');
  writeFileSync(at('3'), 'shorter');
  rmSync(at('4'));
  writeFileSync(at('5'), 'of the source');
  writeFileSync(at('pg_filenode.map'), 'of the source');
  fine(REWIND_AGAIN, work, real, segment(3), '0/3000100');
  expect(readdirSync(join(real, 'base', '5'))).toEqual(['1', '2', '3', 'pg_filenode.map']);
  expect(['1', '2', '3'].map((name) => read(at(name)))).toEqual(['of its own', 'of its own', 'shorter']);
  expect(read(join(work, 'parted'))).toBe('1 0/3000100 0/6000028\n');
  expect(state()).toBe('begun');
});

test('REWIND_AGAIN takes the link of a tablespace that is new, and nothing behind it', () => {
  const [old, fresh] = ['old', 'fresh'].map((name) => join(root, `${count} ${name}`));
  mkdirSync(join(real, 'pg_tblspc'));
  for (const [oid, path] of [
    ['16400', old],
    ['16500', fresh],
  ] as const) {
    mkdirSync(path ?? '');
    writeFileSync(join(path ?? '', '16600'), 'of its own');
    if (oid === '16500') keep();
    symlinkSync(path ?? '', join(real, 'pg_tblspc', oid));
  }
  writeFileSync(join(old ?? '', '16700'), 'of the source');
  fine(REWIND_AGAIN, work, real, segment(4), '0/4000100');
  expect(readdirSync(join(real, 'pg_tblspc'))).toEqual(['16400']);
  expect(readdirSync(old ?? '')).toEqual(['16600']);
  expect(readdirSync(fresh ?? '')).toEqual(['16600']);
});

test('UNKEEP leaves alone what was kept for a directory that is not here any more', () => {
  keep();
  writeFileSync(join(work, 'inode'), '1\n');
  writeFileSync(join(work, 'state'), 'done\n');
  fine(UNKEEP, work, real);
  expect(existsSync(join(work, 'wal', segment(4)))).toBe(true);
  expect(existsSync(join(real, 'log'))).toBe(false);
});

test('REWIND_AGAIN after OWN_AGAIN puts aside again what came back: another rewind would take it', () => {
  keep();
  fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
  expect(read(join(real, 'log', 'server.log'))).toBe('said\n');
  fine(REWIND_AGAIN, work, real, segment(4), '0/4000100');
  expect(existsSync(join(real, 'log'))).toBe(false);
  fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
  expect(read(join(real, 'log', 'server.log'))).toBe('said\n');
});

test('OWN_AGAIN leaves a standby with its own files, and no slot of a past life', () => {
  keep();
  writeFileSync(join(real, 'postgresql.conf'), 'port = 2\n');
  writeFileSync(join(real, 'pg_hba.conf'), 'of the source');
  fine(OWN_AGAIN, work, real, 'log', 'standby.signal');
  expect(read(join(real, 'postgresql.conf'))).toBe('port = 1\n');
  expect(readdirSync(real).sort()).toEqual(
    ['global', 'log', 'pg_replslot', 'pg_wal', 'postgresql.conf', 'standby.signal'].sort(),
  );
  expect(readdirSync(join(real, 'pg_replslot'))).toEqual([]);
});

test('REWOUND: what is kept has its name, and is no file that the server writes into', () => {
  keep();
  const name = `${real}.pgrepl-lost-1`;
  fine(REWOUND, work, name, real);
  expect(existsSync(work)).toBe(false);
  writeFileSync(wal(segment(6)), 'recycled');
  expect(read(join(name, 'wal', segment(6)))).toBe('own 6');
  expect(readdirSync(name).sort()).toEqual(
    ['pg_control', 'pgrepl', 'rewind.log', 'wal'].filter((each) => each !== 'rewind.log'),
  );
});

test('REWOUND that is killed leaves no rewind without the files that it was kept for', () => {
  keep();
  expect(rewind('echo "need to copy 1 MB" >&2')).toBe(0);
  expect(state()).toBe('done');
  const [program_ = '', ...rest] = script(REWOUND, 'test', work, join(root, 'nowhere', 'kept-1'), real);
  expect(spawnSync(program_, rest, { timeout: 20_000 }).status).not.toBe(0);
  expect(existsSync(work)).toBe(false);
  expect(readdirSync(join(`${work}-1`, 'wal'))).toEqual(segments(4, 5, 6));
});

test('REWIND on a full disk, where nobody knows whether it wrote, has begun', () => {
  keep();
  const full = `rm -f '${work.replaceAll("'", `'\\''`)}/status'; mkdir '${work.replaceAll("'", `'\\''`)}/status'; exit 1`;
  expect(rewind(full)).toBe(1);
  expect(state()).toBe('begun');
});
