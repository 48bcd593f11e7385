import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What libpq said when it logged in: the parameters of its startup message, and the password. */
export type Login = Readonly<Record<string, string>>;

/**
 * Listens on every address of 127.0.0.0/8, asks who comes for a password and turns them away. So libpq itself tells
 * what it made of a conninfo or a password file; which of many attempts it was is in the address that was called.
 */
export async function logins(): Promise<{ port: number; seen: Map<string, Login> }> {
  const seen = new Map<string, Login>();
  const server = createServer((socket) => receive(socket, seen));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  onTestFinished(() => void server.close());
  return { port: portOf(server), seen };
}

/** The address of the attempt with this number. */
export function addressOfAttempt(at: number): string {
  return `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** AuthenticationCleartextPassword, and an error that ends it: protocol-message-formats. */
const ASK = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

function receive(socket: Socket, seen: Map<string, Login>): void {
  const to = socket.localAddress ?? '';
  let got = Buffer.alloc(0);
  let startup: Login | undefined;
  socket.on('error', () => undefined); // libpq goes where it has no password
  socket.on('data', (bytes) => {
    got = Buffer.concat([got, bytes]);
    if (startup === undefined && got.length >= 4 && got.length >= got.readUInt32BE(0)) {
      const length = got.readUInt32BE(0);
      startup = parametersOf(got.subarray(8, length));
      seen.set(to, startup);
      got = got.subarray(length);
      socket.write(ASK);
    }
    if (startup === undefined || got.length < 5 || got.length < 1 + got.readUInt32BE(1)) return;
    seen.set(to, { ...startup, password: got.subarray(5, got.readUInt32BE(1)).toString() });
    socket.end(refusal());
  });
}

function parametersOf(bytes: Buffer): Login {
  const words = bytes.toString().split('\0');
  const found: Record<string, string> = {};
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2)
    found[words[at] ?? ''] = words[at + 1] ?? '';
  return found;
}

function refusal(): Buffer {
  const fields = Buffer.from('SFATAL\0C28P01\0Mno\0\0');
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
