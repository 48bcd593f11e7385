/**
 * Everything a planner wants to know of a running server, as one JSON document: one psql, one connection.
 * psql's \if keeps what an older major does not have away from it. Asked as a superuser; where somebody else
 * asks, what may not be seen comes back as null.
 *
 * The timeline of a standby: until its next restartpoint, minutes after a promotion, pg_control names the one before
 * (CreateRestartPoint in xlog.c). The receiver knows better while there is one; then the names of what it wrote do.
 *
 * It asks the functions that the views of system_views.sql are made of (they are the same from 10 to 18): to read and
 * expand a dozen views took a fresh backend a third of its time.
 */
export function questions(ask: { sizes: boolean }): string {
  // Sizes walk through every file of the cluster: only a copy needs them.
  return `\\set tablespacesize ${ask.sizes ? 'pg_tablespace_size(oid)' : '0'}\n${QUESTIONS}`;
}

const QUESTIONS = String.raw`
SELECT current_setting('server_version_num')::int >= 130000 AS v13,
       current_setting('server_version_num')::int >= 120000 AS v12,
       current_setting('server_version_num')::int >= 110000 AS v11,
       current_setting('server_version_num')::int >= 150000 AS v15,
       current_setting('server_version_num')::int >= 160000 AS v16,
       current_setting('is_superuser') = 'on' AS su,
       pg_is_in_recovery() AS standby \gset
\set hbafile 'NULL::text'
\if :v16
\set hbafile file_name
\endif
\set slotstatus 'NULL::text, NULL::bigint'
\if :v13
\set slotstatus 'wal_status, safe_wal_size'
\endif
\set sender 'NULL::text, NULL::int'
\if :v11
\set sender 'sender_host, sender_port'
\endif
\set conninfo 'NULL::text, NULL::text'
\if :v12
\set conninfo 'current_setting(\'primary_conninfo\', true), current_setting(\'primary_slot_name\', true)'
\endif
\set collations 'SELECT datname, NULL::text AS recorded, NULL::text AS actual FROM pg_database WHERE false'
\if :v15
\set collations 'SELECT datname, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual FROM pg_database WHERE datallowconn'
\endif
\set waldir NULL::int
\if :su
\set waldir '(SELECT max((\'x\' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ \'^[0-9A-F]{24}$\')'
\endif
\set position 'pg_current_wal_lsn()'
\set timeline '(\'x\' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int'
\if :standby
\set position 'coalesce(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn())'
\set timeline 'greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()), (SELECT max(received_tli) FROM pg_stat_get_wal_receiver() WHERE received_tli IS NOT NULL), ' :waldir ')'
\endif
\set backup 'false'
\if :v15
\else
\if :standby
\else
\set backup 'pg_is_in_backup()'
\endif
\endif
\set hba 'SELECT NULL::int AS line_number, NULL::text AS type, NULL::text[] AS database, NULL::text[] AS user_name, NULL::text AS address, NULL::text AS netmask, NULL::text AS auth_method, NULL::text AS error, NULL::text AS file WHERE false'
\set files 'SELECT NULL::text AS sourcefile, NULL::int AS sourceline, NULL::text AS name, NULL::text AS setting, NULL::bool AS applied, NULL::text AS error WHERE false'
\set verifier 'NULL::text'
\set rolesource pg_roles
\if :su
\set hba 'SELECT line_number, type, database, user_name, address, netmask, auth_method, error, ' :hbafile ' AS file FROM pg_hba_file_rules()'
\set files 'SELECT sourcefile, sourceline, name, setting, applied, error FROM pg_show_all_file_settings()'
\set verifier rolpassword
\set rolesource pg_authid
\endif
\set repslots 'slot_name, slot_type, active, active_pid, restart_lsn'
WITH activity AS (SELECT * FROM pg_stat_get_activity(NULL))
SELECT json_build_object(
  'version', current_setting('server_version_num')::int,
  'superuser', :'su'::bool,
  'loaded', extract(epoch FROM pg_conf_load_time())::float8,
  'clock', extract(epoch FROM clock_timestamp())::float8,
  'standby', pg_is_in_recovery(),
  'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', :timeline,
  'current', :position,
  'received', pg_last_wal_receive_lsn(),
  'replayed', pg_last_wal_replay_lsn(),
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'lagSeconds', CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() IS NULL OR pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
     ELSE round(coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::numeric, 3) END,
  'recovery', (SELECT json_build_array(:conninfo)),
  'receiver', (SELECT json_build_object('status', status, 'slot', slot_name, 'timeline', received_tli, 'sender', json_build_array(:sender), 'conninfo', conninfo)
     FROM pg_stat_get_wal_receiver() WHERE pid IS NOT NULL),
  'settings', (SELECT json_object_agg(name, json_build_array(setting, unit, context, source, sourcefile, sourceline, pending_restart)) FROM pg_show_all_settings()
     WHERE source <> 'default' OR pending_restart OR name IN ('wal_level', 'max_wal_senders', 'max_replication_slots', 'listen_addresses', 'hot_standby', 'wal_log_hints',
       'wal_keep_size', 'wal_keep_segments', 'max_slot_wal_keep_size', 'data_checksums', 'full_page_writes', 'max_connections', 'max_prepared_transactions',
       'max_locks_per_transaction', 'max_worker_processes', 'config_file', 'hba_file', 'data_directory', 'synchronous_standby_names', 'recovery_min_apply_delay',
       'archive_mode', 'archive_command', 'restore_command', 'primary_conninfo', 'primary_slot_name', 'promote_trigger_file', 'wal_segment_size', 'ssl',
       'server_encoding', 'wal_retrieve_retry_interval', 'unix_socket_directories', 'password_encryption', 'log_directory', 'allow_alter_system', 'port')),
  'files', coalesce((SELECT json_agg(json_build_array(sourcefile, sourceline, name, setting, applied, error)) FROM (:files) f), '[]'),
  'hba', coalesce((SELECT json_agg(json_build_array(line_number, type, database, user_name, address, netmask, auth_method, error, file)) FROM (:hba) h), '[]'),
  'roles', coalesce((SELECT json_agg(json_build_array(rolname, rolcanlogin, rolreplication, rolsuper, :verifier,
     rolsuper OR (has_function_privilege(rolname, 'pg_read_binary_file(text,bigint,bigint,boolean)', 'EXECUTE') AND has_function_privilege(rolname, 'pg_ls_dir(text,boolean,boolean)', 'EXECUTE')
       AND has_function_privilege(rolname, 'pg_stat_file(text,boolean)', 'EXECUTE')))) FROM :rolesource WHERE rolreplication OR rolsuper), '[]'),
  'slots', coalesce((SELECT json_agg(json_build_array(slot_name, slot_type, active, active_pid, restart_lsn, wal_status, safe_wal_size, CASE WHEN restart_lsn IS NULL THEN 0 ELSE pg_wal_lsn_diff(:position, restart_lsn) END))
     FROM (SELECT :repslots, :slotstatus FROM pg_get_replication_slots()) s(slot_name, slot_type, active, active_pid, restart_lsn, wal_status, safe_wal_size)), '[]'),
  'walsenders', coalesce((SELECT json_agg(json_build_array(w.pid, a.application_name, pg_get_userbyid(a.usesysid), host(a.client_addr), w.state, sent_lsn, flush_lsn, replay_lsn, sync_state))
     FROM pg_stat_get_wal_senders() w JOIN activity a ON a.pid = w.pid), '[]'),
  'tablespaces', coalesce((SELECT json_agg(json_build_array(spcname, pg_tablespace_location(oid), :tablespacesize)) FROM pg_tablespace), '[]'),
  'collations', coalesce((SELECT json_agg(json_build_array(datname, recorded, actual)) FROM (:collations) c), '[]'),
  'exclusiveBackup', :backup::bool,
  'archiver', (SELECT json_build_array(last_failed_wal IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity'), last_failed_wal) FROM pg_stat_get_archiver()),
  'sessions', (SELECT count(*) FROM activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
);
`;
