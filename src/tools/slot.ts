/**
 * psql on an upstream that may be cut off in the middle: its host would hold the node's lock until the kernel gives the
 * connection up, a quarter of an hour later. Where there is no `timeout` it is not bounded.
 */
const BOUND = String.raw`
bound() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }
`;

/**
 * A physical slot by the replication protocol, which holds WAL from now on where the second parameter is RESERVE_WAL,
 * and else from its first use. It prints `made`, or `there` for one that was there already: an
 * undo takes away what was made alone. Errors are known by their SQLSTATE, whatever language the server speaks.
 */
export const MAKE_SLOT = String.raw`${BOUND}IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1 how=$2; shift 2
out=$(printf 'CREATE_REPLICATION_SLOT "%s" PHYSICAL %s;\n' "$slot" "$how" | bound 20 "$@" -v VERBOSITY=verbose 2>&1) && { echo made; exit 0; }
case $out in *' 42710: '*) echo there; exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1`;

/** Drops a slot if the second parameter is `made`. It waits while a connection that just died still holds it. */
export const DROP_SLOT = String.raw`${BOUND}IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1 how=$2; shift 2
[ "$how" = made ] || exit 0
out=$(printf 'DROP_REPLICATION_SLOT "%s" WAIT;\n' "$slot" | bound 60 "$@" -v VERBOSITY=verbose 2>&1) && exit 0
case $out in *' 42704: '*) exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1`;
