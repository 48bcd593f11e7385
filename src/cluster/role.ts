const BYTES_OF_A_NAME = 63;

/**
 * Why a name cannot be that of a replication role, as what follows it in a sentence; undefined where it can.
 * Names that begin with pg_ are PostgreSQL's own (IsReservedName in catalog.c), `public` and `none` mean something
 * else in SQL, and from 16 on pg_hba.conf takes a name that begins with a slash for a pattern.
 */
export function roleFault(name: string): string | undefined {
  if (name.trim() === '' || /\p{Cc}/u.test(name)) return 'must be one line and not empty';
  if (new TextEncoder().encode(name).length > BYTES_OF_A_NAME || name.startsWith('pg_'))
    return `must have at most ${BYTES_OF_A_NAME} bytes and not begin with pg_`;
  if (name === 'public' || name === 'none') return `must not be ${name}, which PostgreSQL keeps for itself`;
  return name.startsWith('/')
    ? 'must not begin with a slash, which pg_hba.conf takes for a pattern'
    : undefined;
}
