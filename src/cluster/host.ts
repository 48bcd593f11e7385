import type { Host } from './types.ts';

type Fault = { error: string; hint: string };

/** What OpenSSH itself refuses in a login or host since 9.6 (valid_hostname in ssh.c), and what a URL ends at. */
const UNSAFE = /[\s\p{C}'"`$\\;&<>|(){}/?#]/u;
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;
const FORMS = 'Write local, ssh://[user@]host[:port] or docker://container';

/** The host that `local`, `ssh://[user@]host[:port]` or `docker://container` names, or what is wrong with it. */
export function parseHost(text: string): Host | Fault {
  if (text === 'local') return { via: 'local' };
  if (text.startsWith('ssh://')) return parseSsh(text.slice('ssh://'.length));
  if (text.startsWith('docker://')) return parseContainer(text.slice('docker://'.length));
  return { error: `${shownText(text)} is not a host`, hint: `${FORMS}.` };
}

/** The host as `parseHost` reads it. */
export function hostText(host: Host): string {
  switch (host.via) {
    case 'local':
      return 'local';
    case 'docker':
      return `docker://${host.container}`;
    case 'ssh':
      return `ssh://${bracketed(host.destination)}${host.port === undefined ? '' : `:${host.port}`}`;
  }
}

/** The name or address in an ssh destination, without the login. */
export function hostnameOf(destination: string): string {
  return destination.slice(destination.lastIndexOf('@') + 1);
}

function parseSsh(rest: string): Host | Fault {
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? undefined : rest.slice(0, at);
  if (user?.includes(':'))
    return fault('ssh login holds a colon', 'No password goes here: use a key or an agent');
  const place = splitPort(rest.slice(at + 1));
  if ('error' in place) return place;
  const fine = safe(place.host) && (user === undefined || safe(user));
  if (!fine) return fault(`${shownText(rest)} is not a login and a host`, FORMS);
  const destination = user === undefined ? place.host : `${user}@${place.host}`;
  return { via: 'ssh', destination, ...(place.port === undefined ? {} : { port: place.port }) };
}

function splitPort(text: string): { host: string; port?: number } | Fault {
  const bracketed = /^\[([0-9A-Fa-f:.]*:[^[\]]*)\](?::(.*))?$/s.exec(text);
  const plain = /^([^:[\]]*)(?::(.*))?$/s.exec(text);
  const [, host, digits] = bracketed ?? plain ?? [];
  if (host === undefined)
    return fault(`${shownText(text)} is not a host`, 'An IPv6 address goes into brackets: ssh://[::1]:22');
  if (digits === undefined) return { host };
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65535)
    return fault(`${shownText(digits)} is not a port`, 'A port is a number from 1 to 65535');
  return { host, port };
}

function parseContainer(container: string): Host | Fault {
  if (CONTAINER.test(container)) return { via: 'docker', container };
  return fault(`${shownText(container)} is not a container`, 'Give the name or id that docker ps shows');
}

/** A word that begins with a hyphen would be an option of ssh. */
function safe(word: string): boolean {
  return word !== '' && !word.startsWith('-') && !UNSAFE.test(word);
}

function bracketed(destination: string): string {
  const hostname = hostnameOf(destination);
  if (!hostname.includes(':')) return destination;
  return `${destination.slice(0, destination.length - hostname.length)}[${hostname}]`;
}

/** Control characters as escapes, so that a message is one line. */
function shownText(text: string): string {
  return JSON.stringify(text);
}

function fault(error: string, hint: string): Fault {
  return { error, hint: `${hint}.` };
}
