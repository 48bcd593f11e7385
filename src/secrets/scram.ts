import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { saslprep } from './saslprep.ts';
import { Secret } from '../tools/words.ts';

/** What PostgreSQL itself takes: SCRAM_SHA_256_DEFAULT_ITERATIONS in scram-common.h, RFC 7677. */
const ITERATIONS = 4096;
const KEY_BYTES = 32;
const VERIFIER = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*):([A-Za-z0-9+/]+=*)$/;

/**
 * The verifier that `CREATE ROLE ... PASSWORD` takes in place of a password, so that the password itself never
 * travels to the server nor into its log: scram_build_secret() in scram-common.c. `salt` should be 16 random
 * bytes. It is a Secret too: whoever has it can guess passwords without asking the server.
 */
export function scramVerifier(password: Secret, salt: Buffer, iterations = ITERATIONS): Secret {
  const salted = pbkdf2Sync(saslprep(password.reveal()), salt, iterations, KEY_BYTES, 'sha256');
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest();
  const server = hmac(salted, 'Server Key');
  const [head, keys] = [`${iterations}:${base64(salt)}`, `${base64(stored)}:${base64(server)}`];
  return new Secret(`SCRAM-SHA-256$${head}$${keys}`);
}

/** Whether a role with this `rolpassword` lets the password in. False for md5 and for anything unknown. */
export function matchesVerifier(password: Secret, verifier: string): boolean {
  const [, iterations, salt] = VERIFIER.exec(verifier) ?? [];
  if (iterations === undefined || salt === undefined || Number(iterations) === 0) return false;
  const ours = scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)).reveal();
  return ours.length === verifier.length && timingSafeEqual(Buffer.from(ours), Buffer.from(verifier));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64');
}
