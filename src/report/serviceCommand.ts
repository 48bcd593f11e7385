import type { Host, Node } from '../cluster/types.ts';
import type { Machine, Place } from '../facts/state.ts';
import { quoteWord, quoteWords } from '../tools/words.ts';

type Serving = { machine: Machine; place: Place; server?: { pid: number } };

/**
 * What a person types, where pgrepl was started, to start or restart a server through whoever owns it: with ssh or
 * docker in front, as the user who may, and with the whole path of a program that is not on Debian's PATH.
 */
export function serviceCommand(node: Node | undefined, found: Serving, verb: 'start' | 'restart'): string {
  const host = node?.host ?? { via: 'local' as const };
  if (host.via === 'docker' && found.server?.pid === 1)
    return `\`docker ${verb} ${quoteWord(host.container)}\``;
  return `\`${shownAt(host, found.machine, wordsOf(host, found, verb))}\``;
}

/** A command of the owner of the data, as a person types it where pgrepl was started. */
export function ownersCommand(node: Node | undefined, machine: Machine, words: readonly string[]): string {
  return `\`${shownAt(node?.host ?? { via: 'local' }, machine, { words, as: 'owner' })}\``;
}

/** Words, and who may say them: root, the owner of the data, or either. */
type Said = { words: readonly string[]; as: 'root' | 'owner' | 'either' };

function wordsOf(host: Host, { machine, place }: Serving, verb: string): Said {
  const { service } = place;
  switch (service.by) {
    case 'systemd':
      return { words: ['systemctl', verb, service.unit], as: 'root' };
    case 'pg_ctlcluster': {
      const { major, cluster } = service.name;
      return machine.systemd && host.via !== 'docker'
        ? { words: ['systemctl', verb, `postgresql@${major}-${cluster}`], as: 'root' }
        : { words: ['pg_ctlcluster', String(major), cluster, verb], as: 'either' };
    }
    case 'pg_ctl':
      return { words: [pgCtl(machine), '-D', place.pgdata, ...options(place), verb], as: 'owner' };
  }
}

/** A short look finds psql alone, in the directory of the server's own programs. */
function pgCtl({ programs }: Machine): string {
  return programs.pg_ctl ?? programs.psql?.replace(/psql$/, 'pg_ctl') ?? 'pg_ctl';
}

function options({ pgdata, real, files }: Place): readonly string[] {
  const conf = files.conf?.path;
  const elsewhere =
    conf !== undefined && conf !== `${real}/postgresql.conf` && conf !== `${pgdata}/postgresql.conf`;
  return [...(elsewhere ? ['-o', `-c config_file=${conf}`] : []), '-l', `${pgdata}/server.log`];
}

function shownAt(host: Host, machine: Machine, said: Said): string {
  if (host.via === 'docker') {
    const user = said.as === 'owner' && machine.become !== undefined ? ['-u', machine.become] : [];
    return quoteWords(['docker', 'exec', ...user, host.container, ...said.words]);
  }
  const there = quoteWords(asUser(machine, said));
  if (host.via === 'local') return there;
  const port = host.port === undefined ? [] : ['-p', String(host.port)];
  return `${quoteWords(['ssh', ...port, host.destination])} ${/['"\\]/.test(there) ? quoteWord(there) : there}`;
}

/** pg_ctl and postgres refuse root, and systemd a stranger. */
function asUser({ login, become, by }: Machine, { words, as }: Said): readonly string[] {
  if (login === 'root' && as !== 'owner') return words;
  if (as === 'root') return ['sudo', ...words];
  if (become === undefined || by === 'self') return words;
  switch (by) {
    case 'runuser':
      return ['runuser', '-u', become, '--', ...words];
    case 'su':
      return ['su', '-s', '/bin/sh', become, '-c', quoteWords(words)];
    case 'sudo':
      return ['sudo', '-u', become, '--', ...words];
  }
}
