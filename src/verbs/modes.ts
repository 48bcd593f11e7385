import type { Deed, Flags } from './action.ts';
import type { Node } from '../cluster/types.ts';
import { failure, PgreplError, STATUS } from '../errors.ts';
import type { ClusterState } from '../facts/state.ts';
import type { Mode, Verb } from '../operate/verb.ts';
import type { TargetFlags } from '../cluster/flags.ts';
import type { Password } from '../cluster/password.ts';
import { onInterrupt } from './interrupt.ts';

/** commander's loose options as what a verb reads. */
export function modeOf(flags: Flags): Mode {
  const dryRun = flags['dryRun'];
  const timeout = flags['timeout'];
  return {
    ...(dryRun === 'text' || dryRun === 'json' || dryRun === 'sh' ? { dryRun } : {}),
    check: flags['check'] === true,
    json: flags['json'] === true,
    yes: flags['yes'] === true,
    ...(typeof timeout === 'number' ? { timeout } : {}),
  };
}

export function text(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

export function number(flags: Flags, name: string): number | undefined {
  const value = flags[name];
  return typeof value === 'number' ? value : undefined;
}

export function list(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function targetFlags(flags: Flags): TargetFlags {
  const strings = [
    ...(['config', 'pgdata', 'on', 'bindir', 'name', 'superuser'] as const),
    ...(['replicationRole', 'passwordFile'] as const),
  ];
  const given = strings.flatMap((name) => {
    const value = text(flags, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const port = number(flags, 'port');
  return { ...Object.fromEntries(given), ...(port === undefined ? {} : { port }) };
}

/**
 * A verb that changes something, with Ctrl-C as a wish to stop at the next step. The password that its plan needs is
 * read before any host is asked: its command may take half a minute.
 */
export function perform(verb: Verb, flags: Flags, password?: Password): Deed {
  return async () => {
    await password?.();
    await performed(verb, flags);
  };
}

async function performed(verb: Verb, flags: Flags): Promise<void> {
  const mode = modeOf(flags);
  const [{ operate }, { talkOf, tellEnding, tellError }, { prepareSsh }] = await Promise.all([
    import('../operate/operate.ts'),
    import('../talk.ts'),
    import('../run/nodes.ts'),
  ]);
  prepareSsh(verb.cluster);
  const say = (text: string): void => {
    if (!mode.json) process.stderr.write(text);
  };
  const leave = (): never => {
    const error = failure('interrupted', 'interrupted: it is left as it is', 'Running it again continues.');
    tellError({ command: verb.command, json: mode.json, error });
    process.exit(STATUS.interrupted);
  };
  const ending = await operate(verb, mode, talkOf(mode), onInterrupt(say, leave));
  tellEnding(ending, mode);
  process.exitCode = STATUS[ending.outcome];
}

/** Throws `refused` where --port names another port than the one that the server has. */
export async function havePort(flags: Flags, node: Node | undefined, state: ClusterState): Promise<void> {
  const port = number(flags, 'port');
  const found = state.nodes.find((each) => each.node === node?.name);
  if (port === undefined || found === undefined) return;
  if (found.is !== 'primary' && found.is !== 'standby' && found.is !== 'stopped') return;
  const { otherPort } = await import('../plan/demands.ts');
  const wrong = otherPort(found, port);
  if (wrong.length > 0) throw new PgreplError('refused', wrong);
}
