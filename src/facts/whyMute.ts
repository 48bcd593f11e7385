import type { Node } from '../cluster/types.ts';
import type { Sections } from './sections.ts';
import { withoutProgram } from './withoutProgram.ts';

/** Why a server that runs does not answer; `waits` where it is starting and will, `serves` where it lets others in. */
export type WhyMute = { because: string; waits: boolean; serves?: true; hint?: string };

/** canAcceptConnections() in postmaster.c, from 14 on; before, it says for ever that it is starting up. */
const BLIND = /system is not accepting connections/;
/** InitProcess() in proc.c. */
const FULL = /too many clients/;

/**
 * What the server said to each role; a server that lets nobody in has a superuser of another name, most likely. It says it
 * in the language of its lc_messages, so what decides is in no language where that can be had: its state in
 * postmaster.pid (miscadmin.h, PM_STATUS_*), and whether it speaks of the role at all.
 */
export function whyMute(node: Node, at: Sections): WhyMute {
  const tried = at.all('tried').map((text) => {
    const [role = '', ...lines] = text.split('\n');
    const line = lines.find((each) => /FATAL|ERROR|^psql:/.test(each)) ?? lines[0] ?? '';
    return { role, said: withoutProgram(line) };
  });
  const first = tried[0]?.said ?? withoutProgram((at.one('mute') ?? '').trim().split('\n')[0] ?? '');
  const status = at.one('pmstatus')?.trim();
  const waits =
    /starting up|not yet accepting|recovery state|in recovery mode/.test(first) || status === 'starting';
  if (BLIND.test(first))
    return {
      because: first,
      waits,
      hint: 'Its hot_standby is off, so nobody can ask it anything: set it to on, and restart it.',
    };
  if (FULL.test(first))
    return {
      because: first,
      waits,
      serves: true,
      hint: 'All its connections are taken, those for superusers too: let applications end some, or raise max_connections.',
    };
  if (status === 'stopping' && !/shutting down/.test(first))
    return { because: `${first || 'no answer'} (it is shutting down)`, waits };
  if (waits || !/FATAL|ERROR/.test(first) || /shutting down/.test(first))
    return { because: first || 'no answer', waits };
  if (status === 'ready' && !tried.some(({ role, said }) => withoutSeverity(said).includes(role)))
    return {
      because: first,
      waits,
      serves: true,
      hint: 'It takes nobody in at the moment: its log says why.',
    };
  const said = tried.map(({ role, said: why }) => `as ${role}: ${withoutSeverity(why)}`);
  const map = '"local all all peer", with a map in pg_ident.conf where the names differ';
  return {
    because: `no superuser was let in by the socket without a password: ${said.join('; ')}`,
    waits,
    serves: true,
    hint:
      node.superuser === undefined
        ? `Name the superuser with --superuser, or in the cluster file as superuser; pg_hba.conf must let the owner of the data be it (${map}).`
        : `pg_hba.conf must let the owner of the data be ${node.superuser} (${map}).`,
  };
}

function withoutSeverity(line: string): string {
  return line.replace(/^.*?(FATAL|ERROR): +/, '');
}
