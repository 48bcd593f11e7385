import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RECOVER } from '../../src/tools/recover.ts';
import { script } from '../../src/tools/shell.ts';

const real = mkdtempSync(join(tmpdir(), 'pgrepl-recover-'));
afterAll(() => rmSync(real, { recursive: true, force: true }));

/** What the single-user server's place is taken by. */
function recover(text: string) {
  const [program = '', ...rest] = script(RECOVER, 'test', real, 'sh', '-c', text, 'sh', real);
  return spawnSync(program, rest, { encoding: 'utf8', timeout: 20_000 });
}

test.each([
  ['ended well', 'exit 0', 0],
  ['failed', 'echo "FATAL:  no"; exit 1', 1],
])("RECOVER that %s: no standby's file is there meanwhile, and all are afterwards", (_, end, status) => {
  writeFileSync(join(real, 'standby.signal'), '');
  writeFileSync(join(real, 'recovery.conf'), "standby_mode = 'on'\n");
  const ended = recover(`ls "$1" >"$1/seen"; ${end}`);
  expect(ended.status).toBe(status);
  expect(ended.stderr).toBe(status === 0 ? '' : 'FATAL:  no\n');
  expect(readFileSync(join(real, 'seen'), 'utf8')).not.toMatch(/^(standby|recovery)\.\w+$/m);
  rmSync(join(real, 'seen'));
  rmSync(join(real, 'pgrepl-start.log'));
  expect(readdirSync(real)).toEqual(['recovery.conf', 'standby.signal']);
  expect(readFileSync(join(real, 'recovery.conf'), 'utf8')).toBe("standby_mode = 'on'\n");
});

test('RECOVER after a machine that went down in the middle of one gives back what that took', () => {
  writeFileSync(join(real, 'standby.signal.pgrepl-tmp'), '');
  rmSync(join(real, 'standby.signal'), { force: true });
  expect(recover('exit 0').status).toBe(0);
  expect(readdirSync(real)).toContain('standby.signal');
});
