import { majorOf, has, ofMajor, RECOVERY_IN_SETTINGS } from '../cluster/version.ts';
import type { Node } from '../cluster/types.ts';
import { parseConf } from '../render/conf.ts';
import { parseControlData } from './controldata.ts';
import { sectionsOf, type Sections } from './sections.ts';
import { lsnOf, serverOf, streamingOf, type Answer } from './server.ts';
import { whyMute } from './whyMute.ts';
import type { Machine, NodeState, Place } from './state.ts';
import { machineOf } from './machine.ts';
import { placeOf } from './place.ts';

/** What may lie in an empty directory: a file system's own, our staging, and what was moved aside in a mount point. */
const NOTHING = /^(lost\+found|\.pgrepl-new|\.pgrepl-old-.*|)$/;

/** What a probe's output says about a node. */
export function classify(node: Node, output: string, token: string): NodeState {
  const at = sectionsOf(output, token);
  if (at.one('became') === undefined) return { node: node.name, is: 'unreachable', ...whyNot(node, at) };
  const machine = machineOf(at);
  const place = placeOf(node, at);
  const major = Number(at.one('pgversion') ?? Number.NaN);
  if (Number.isNaN(major)) {
    const found = (at.one('exists') ?? '').split('\n').filter((name) => !NOTHING.test(name));
    return found.length === 0
      ? { node: node.name, is: 'empty', machine, place }
      : { node: node.name, is: 'foreign', machine, place, found };
  }
  if (at.one('alive') !== undefined) return runningOf(node, at, machine, place);
  const control = parseControlData(at.one('control') ?? '', major);
  return {
    node: node.name,
    is: 'stopped',
    machine,
    place,
    version: ofMajor(major),
    ...(control === undefined ? {} : { control }),
    standby: has(ofMajor(major), RECOVERY_IN_SETTINGS)
      ? at.all('signal').includes('standby.signal')
      : place.files.recovery !== undefined,
  };
}

function whyNot(node: Node, at: Sections): { because: string; hint?: string } {
  const login = at.one('login');
  const owner = at.one('owner');
  if (at.one('by') === 'sudo') {
    return {
      because: `${node.name}: logged in as ${login ?? '?'}, the data belongs to ${owner ?? '?'}, and sudo does not let us become them without a password`,
      hint: `Run it as ${owner ?? 'the owner'} or as root, or allow "sudo -n -u ${owner ?? 'postgres'}" for ${login ?? 'the login'}.`,
    };
  }
  if (login !== undefined)
    return { because: `${node.name}: ${login} cannot become ${owner ?? 'the owner of the data'}` };
  return { because: `${node.name}: the host gave no answer that makes sense` };
}

function runningOf(node: Node, at: Sections, machine: Machine, place: Place): NodeState {
  // An empty one was announced and did not come.
  const text = at.one('answer') ?? '';
  if (text === '') return muteOf(node, at, machine, place);
  const answer = JSON.parse(text) as Answer;
  // The database is one of two; a role may have blanks in its name.
  const [, user = '', database = ''] = /^(.*) (\S+)$/s.exec(at.one('asked') ?? '') ?? [];
  const ready = at.one('ready');
  const server = serverOf(answer, {
    pid: Number(at.one('pidfile') ?? 0),
    port: Number(at.one('port')),
    socketDir: at.one('socket') ?? '',
    user,
    database,
    ...(ready === undefined ? {} : { ready: Number(ready) }),
  });
  const running = { node: node.name, machine, place, server };
  if (!answer.standby)
    return { ...running, is: 'primary', current: lsnOf(answer.current) ?? ('0/0' as never) };
  const streaming = streamingOf(answer.receiver);
  const recovery = recoverySettings(place, answer);
  return {
    ...running,
    is: 'standby',
    received: lsnOf(answer.received),
    replayed: lsnOf(answer.replayed),
    paused: answer.paused,
    lagSeconds: Number(answer.lagSeconds),
    ...(streaming === undefined ? {} : { streaming }),
    conninfo: recovery['primary_conninfo'] ?? '',
    slot: recovery['primary_slot_name'] ?? '',
    delayMs: delayOf(recovery['recovery_min_apply_delay'], answer),
  };
}

function muteOf(node: Node, at: Sections, machine: Machine, place: Place): NodeState {
  const { because, waits, ...hint } = whyMute(node, at);
  const [segment, left] = (at.one('recovering') ?? '').trim().split(' ');
  return {
    node: node.name,
    is: 'mute',
    machine,
    place,
    because,
    starting: waits,
    ...hint,
    ...(segment === undefined || left === undefined ? {} : { recovering: { segment, left: Number(left) } }),
  };
}

/** From 12 these are settings that the server tells; before, they are in recovery.conf and nowhere else. */
function recoverySettings(place: Place, answer: Answer): Record<string, string> {
  if (majorOf(ofMajor(Math.floor(answer.version / 10000))) >= majorOf(RECOVERY_IN_SETTINGS)) {
    return {
      primary_conninfo: answer.recovery[0] ?? '',
      primary_slot_name: answer.recovery[1] ?? '',
      recovery_min_apply_delay: answer.settings['recovery_min_apply_delay']?.[0] ?? '0',
    };
  }
  const lines = parseConf(place.files.recovery?.text ?? '').settings;
  return Object.fromEntries(lines.map(({ name, value }) => [name, value]));
}

function delayOf(value: string | undefined, answer: Answer): number {
  const unit = answer.settings['recovery_min_apply_delay']?.[1] ?? '';
  const match = /^(\d+)\s*(ms|s|min|h|d)?$/.exec((value ?? '0').trim());
  const factor =
    { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? (unit || 'ms')] ?? 1;
  return Number(match?.[1] ?? 0) * factor;
}
