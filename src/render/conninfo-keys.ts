/**
 * The parameters of libpq that not every libpq has: the major that it came with, and of those that were taken out the
 * last one. PQconninfoOptions in fe-connect.c of 10 to 18.
 */
const KNOWN: Readonly<Record<string, { from?: number; until?: number }>> = {
  authtype: { until: 13 },
  tty: { until: 13 },
  ...since(12, ['gssencmode', 'tcp_user_timeout']),
  ...since(13, ['channel_binding', 'ssl_max_protocol_version', 'ssl_min_protocol_version', 'sslpassword']),
  ...since(14, ['sslcrldir', 'sslsni']),
  ...since(16, ['gssdelegation', 'load_balance_hosts', 'require_auth', 'sslcertmode']),
  ...since(17, ['sslnegotiation']),
  ...since(18, ['max_protocol_version', 'min_protocol_version', 'sslkeylogfile']),
  ...since(18, ['oauth_client_id', 'oauth_client_secret', 'oauth_issuer', 'oauth_scope']),
  ...since(18, ['scram_client_key', 'scram_server_key']),
};

/** Those that every libpq from 10 to 18 has. */
const ALWAYS: ReadonlySet<string> = new Set([
  ...['host', 'hostaddr', 'port', 'user', 'dbname', 'password', 'passfile', 'service', 'replication'],
  ...['application_name', 'fallback_application_name', 'client_encoding', 'options', 'connect_timeout'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'target_session_attrs'],
  ...['sslmode', 'sslcompression', 'sslcert', 'sslkey', 'sslrootcert', 'sslcrl'],
  ...['requirepeer', 'krbsrvname', 'gsslib'],
]);

function since(from: number, keys: readonly string[]): Record<string, { from: number }> {
  return Object.fromEntries(keys.map((key) => [key, { from }]));
}

/** The keys of a connection that not every libpq takes. */
export function uncommonKeys(parts: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(parts).filter((key) => !ALWAYS.has(key));
}

/** Which libpq has a key, as it is said behind one: "which libpq has from 16 on". */
export function whoHas(key: string): string {
  const { from, until } = KNOWN[key] ?? {};
  if (from !== undefined) return `which libpq has from PostgreSQL ${from} on`;
  return until === undefined ? 'which no libpq up to 18 has' : `which libpq had up to PostgreSQL ${until}`;
}
