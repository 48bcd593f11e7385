/**
 * The settings of which a hot standby may not have less than its primary: it does not start, or pauses from 14 on.
 * https://www.postgresql.org/docs/current/hot-standby.html, "Administrator's Overview".
 */
export const FLOORS: readonly string[] = [
  'max_connections',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'max_wal_senders',
  'max_worker_processes',
];
