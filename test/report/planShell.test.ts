import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Plan, RunStep, Step } from '../../src/plan/plan.ts';
import { planAsShell } from '../../src/report/planShell.ts';
import { PRELUDE } from '../../src/report/shellPrelude.ts';
import type { OnNode } from '../../src/report/shellWords.ts';
import { quoteWords, Secret } from '../../src/tools/words.ts';

const here: OnNode = (_, argv) => argv;
/** What ssh does to words, without a network: one string for another shell. */
const remote: OnNode = (_, argv) => ['sh', '-c', quoteWords(argv)];
const remoteTwice: OnNode = (_, argv) => ['sh', '-c', quoteWords(['sh', '-c', quoteWords(argv)])];
const SHELLS = ['dash', 'bash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0);

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pgrepl sh'ell-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const plan = (steps: readonly Step[], more: Partial<Plan> = {}): Plan => ({
  title: 'try',
  refusals: [],
  steps,
  ...more,
});
const run = (argv: RunStep['argv'], more: Partial<RunStep> = {}): Step => ({
  node: 'pg1',
  why: 'run it',
  do: 'run',
  argv,
  ...more,
});

type Way = { onNode?: OnNode; shell?: string; env?: Record<string, string>; args?: string[]; input?: string };

function runs(made: Plan, { onNode = here, shell = 'sh', env = {}, args = [], input = '' }: Way = {}) {
  const script = planAsShell(made, onNode);
  writeFileSync(join(dir, 'script.sh'), script);
  execFileSync('sh', ['-n', join(dir, 'script.sh')]);
  const options = { cwd: dir, env: { ...process.env, ...env }, input, encoding: 'utf8' } as const;
  const { status, stderr, stdout } = spawnSync(shell, [join(dir, 'script.sh'), ...args], options);
  return { status, stderr, stdout };
}

const file = (name: string) => readFileSync(join(dir, name), 'utf8');
const AWKWARD = `it's "quoted" \\ $HOME \`x\` *  two`;

describe('the script', () => {
  test('reads well', () => {
    const steps: Step[] = [
      run(['psql', '--set', "slot=it's"], {
        why: 'where it is',
        stdin: ["select :'slot';\n"],
        capture: 'lsn',
        seconds: 5,
      }),
      { node: 'pg2', why: 'its settings', do: 'write', path: '/pg/a b', content: ['a = 1\n'], mode: '0600' },
      {
        node: 'pg2',
        why: 'it is there',
        do: 'expect',
        argv: ['psql', { ref: 'lsn' }],
        stdin: ['select 1;\n'],
        stdout: 't',
        seconds: 30,
      },
    ];
    const undo = [run(['pg_ctl', 'start'], { why: 'start it again', asLogin: true })];
    const ssh: OnNode = (node, argv, asLogin) =>
      node === 'pg1' ? [...(asLogin ? ['sudo'] : []), ...argv] : ['ssh', node, quoteWords(argv)];
    const made = planAsShell(
      plan(steps, { undo, pointOfNoReturn: 2, notes: ['a note'], confirm: ["it's replaced"] }),
      ssh,
    );
    expect(made.replace(PRELUDE, '<prelude>\n')).toBe(
      `
#!/bin/sh
# try
# Made by pgrepl --dry-run=sh for pg1, pg2, as they were then.
# note: a note
set -eu

_steps=3
_undo_before=2
lsn=

<prelude>

undo() {
say 'pg1: start it again'
sudo pg_ctl start </dev/null
}

if [ "\${1:-}" != --yes ]; then
  say 'it'\\''s replaced'
  printf 'Go on? [y/N] ' >&2
  read -r _answer || _answer=
  case $_answer in [yY]*) ;; *) trap - EXIT; exit 3 ;; esac
fi

step 1 'pg1: where it is'
lsn=$(bounded 5 psql --set 'slot=it'\\''s' <<'END'
select :'slot';
END
)
lsn=$(trim "$lsn")

step 2 'pg2: its settings'
ssh pg2 'sh -c '\\'''"$(esc "$write_file")"''\\'' write '\\''/pg/a b'\\'' 0600' <<'END'
a = 1
END

step 3 'pg2: it is there'
ask() {
ssh pg2 'psql '\\'''"$(esc "$lsn")"''\\''' <<'END'
select 1;
END
}
expect 30 t
`.slice(1),
    );
  });

  describe.each(SHELLS)('run by %s', (shell) => {
    test.each([
      ['here', here],
      ['through a remote shell', remote],
      ['through two', remoteTwice],
    ])('words, files and captured values arrive as they are, %s', (_, onNode) => {
      const copied = ['sh', '-c', 'printf %s "$1" >"$2"', 'x'];
      const steps: Step[] = [
        run(['printf', '%s', `  ${AWKWARD}\nsecond line \n\n`], { capture: 'Value-1' }),
        run([...copied, { ref: 'Value-1' }, join(dir, 'word')]),
        run(['tee', join(dir, 'stdin')], { stdin: ['<', { ref: 'Value-1' }, '>'] }),
        {
          node: 'pg2',
          why: 'w',
          do: 'write',
          path: join(dir, 'whole'),
          content: [`${AWKWARD}\nEND\n`],
          mode: '0640',
        },
        {
          node: 'pg2',
          why: 'w',
          do: 'write',
          path: join(dir, 'open'),
          content: [`${AWKWARD}%s\\n`],
          mode: '0600',
        },
        { node: 'pg2', why: 'w', do: 'write', path: join(dir, 'empty'), content: [], mode: '0600' },
      ];
      expect(runs(plan(steps), { onNode, shell })).toMatchObject({ status: 0 });
      expect(file('word')).toBe(`${AWKWARD}\nsecond line`);
      expect(file('stdin')).toBe(`<${AWKWARD}\nsecond line>`);
      expect(file('whole')).toBe(`${AWKWARD}\nEND\n`);
      expect(file('open')).toBe(`${AWKWARD}%s\\n`);
      expect(file('empty')).toBe('');
      expect(statSync(join(dir, 'whole')).mode & 0o777).toBe(0o640);
      expect(existsSync(join(dir, 'whole.pgrepl-new'))).toBe(false);
    });

    test('an expectation is asked again until it holds', () => {
      const steps: Step[] = [
        run(['sh', '-c', '(sleep 0.4; echo there >"$1") >/dev/null 2>&1 &', 'x', join(dir, 'late')]),
        {
          node: 'pg1',
          why: 'late',
          do: 'expect',
          argv: ['cat', join(dir, 'late')],
          stdout: 'there',
          seconds: 5,
        },
      ];
      expect(runs(plan(steps), { shell })).toMatchObject({ status: 0 });
    });

    test('an expectation that never holds ends with 7', () => {
      const never: Step = {
        node: 'pg1',
        why: 'n',
        do: 'expect',
        argv: ['echo', 'f'],
        stdout: 't',
        seconds: 1,
      };
      const { status, stderr } = runs(plan([never]), { shell });
      expect(status).toBe(7);
      expect(stderr).toContain('not seen within 1 s: wanted t, got f\n');
    });

    test('a failure before the point of no return is undone', () => {
      const undo = [run(['touch', join(dir, 'undone')])];
      const steps = [run(['true']), run(['false']), run(['touch', join(dir, 'never')])];
      expect(runs(plan(steps, { undo, pointOfNoReturn: 2 }), { shell }).status).toBe(6);
      expect([existsSync(join(dir, 'undone')), existsSync(join(dir, 'never'))]).toEqual([true, false]);
    });

    test('a failure after it is not', () => {
      const undo = [run(['touch', join(dir, 'undone')])];
      const { status, stderr } = runs(plan([run(['true']), run(['false'])], { undo, pointOfNoReturn: 1 }), {
        shell,
      });
      expect([status, existsSync(join(dir, 'undone'))]).toEqual([5, false]);
      expect(stderr).toContain('failed at step 2 of 2\n');
    });

    test('an undo that fails stops there', () => {
      const undo = [run(['false']), run(['touch', join(dir, 'second')])];
      expect(runs(plan([run(['false'])], { undo }), { shell }).status).toBe(5);
      expect(existsSync(join(dir, 'second'))).toBe(false);
    });

    test('a failing capture ends it', () => {
      expect(
        runs(plan([run(['false'], { capture: 'x' }), run(['touch', join(dir, 'no')])]), { shell }).status,
      ).toBe(5);
      expect(existsSync(join(dir, 'no'))).toBe(false);
    });

    test('a bound is kept', () => {
      expect(runs(plan([run(['sleep', '20'], { seconds: 0.5 })]), { shell }).status).toBe(5);
    });
  });

  test('a term signal takes back what was done', () => {
    const undo = [run(['touch', join(dir, 'undone')])];
    const steps = [run(['sh', '-c', 'kill -TERM "$PPID"; sleep 1'])];
    expect(runs(plan(steps, { undo })).status).toBe(6);
    expect(runs(plan(steps)).status).toBe(130);
  });

  test('commands do not read the standard input of the script', () => {
    const steps = [run(['cat']), run(['touch', join(dir, 'second')])];
    expect(runs(plan(steps), { input: 'eaten\n' })).toMatchObject({ status: 0, stdout: '' });
  });
});

describe('secrets', () => {
  const password = new Secret('geheim');
  const steps: Step[] = [
    {
      node: 'pg2',
      why: 'its password',
      do: 'write',
      path: 'pass',
      content: ['*:', password, '\n'],
      mode: '0600',
    },
    run(['sh', '-c', 'cat; env | grep -c PGREPL_SECRET || true'], { stdin: [password, ' ', password] }),
    {
      node: 'pg2',
      why: 'its settings',
      do: 'write',
      path: 'auto.conf',
      content: ["primary_conninfo = 'password=alt host=x'\n"],
      mode: '0600',
    },
  ];

  test('are not in the script, and come from the environment', () => {
    const script = planAsShell(plan(steps), here);
    expect(script).not.toMatch(/geheim|=alt/);
    const env = { PGREPL_SECRET_1: `ge'heim $x`, PGREPL_SECRET_2: 'alt' };
    expect(runs(plan(steps), { env })).toMatchObject({ status: 0, stdout: `ge'heim $x ge'heim $x0\n` });
    expect(file('pass')).toBe(`*:ge'heim $x\n`);
    expect(file('auto.conf')).toBe("primary_conninfo = 'password=alt host=x'\n");
  });

  test('that are missing are asked for before anything is done', () => {
    const { status, stderr } = runs(plan(steps), { env: { PGREPL_SECRET_1: 'x' } });
    expect([status, existsSync(join(dir, 'pass'))]).toEqual([2, false]);
    expect(stderr).toBe(
      'set PGREPL_SECRET_2: the secret, as it stands in auto.conf of "pg2: its settings"\n',
    );
  });
});

describe('before it begins', () => {
  test('a refused plan refuses', () => {
    const refusals = [{ message: "pg2: isn't empty", hint: 'Move it.' }];
    expect(runs(plan([], { refusals }))).toMatchObject({
      status: 3,
      stderr: "pg2: isn't empty\n  Move it.\n",
    });
    expect(runs(plan([], { refusals, unreachable: true })).status).toBe(4);
  });

  test('it asks, unless told --yes', () => {
    const made = plan([run(['touch', join(dir, 'done')])], { confirm: ['/pg/2 is replaced'] });
    expect(runs(made).status).toBe(3);
    expect(runs(made, { input: 'n\n' }).status).toBe(3);
    expect(existsSync(join(dir, 'done'))).toBe(false);
    expect(runs(made, { input: 'y\n' }).status).toBe(0);
    expect(runs(made, { args: ['--yes'] }).status).toBe(0);
  });

  test('nothing to do is done', () => {
    expect(runs(plan([])).status).toBe(0);
  });
});
