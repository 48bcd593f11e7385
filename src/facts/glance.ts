import { LOOKING } from '../cluster/session.ts';
import { RECOVERING } from './probe.ts';

/** Finds a node's data by its pgdata or its Debian name: `real` is the directory, or empty. No process where it can be entered. */
const FIND = String.raw`
find_data() {
  pgdata=$1
  if [ -z "$pgdata" ]; then
    pgdata=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "/etc/postgresql/$2/postgresql.conf" 2>/dev/null | tail -n 1)
    [ -n "$pgdata" ] || pgdata=/var/lib/postgresql/$2
  fi
  if cd -P -- "$pgdata" 2>/dev/null; then real=$PWD; else real=$(readlink -f -- "$pgdata" 2>/dev/null); fi
  cd / || exit 1
}
`;

/**
 * The probe for `status`: it looks at servers of one host that run, and at nothing else, with a tenth of the processes
 * of facts/probe.ts. Its words are the second script, a token, the questions, and four for each node: pgdata, Debian
 * name, bindir and superuser. The sections are the same as there; `node N` is before those of the Nth node, and `node 0`
 * comes before the servers are asked. Where no server runs there is no section `alive`; where one does not let itself
 * be asked the usual way, no section `end`.
 *
 * All servers are asked by one psql, one after another: to start sh and psql for each of sixteen took as long as to
 * ask them. Who waits for the answers sees which server keeps the others waiting (observe/glances.ts).
 *
 * Nothing is started from here, so that it needs no session of PAM: setpriv takes a third of runuser's time, and writes
 * nothing into the log of logins. busybox has one that cannot become somebody.
 */
export const GLANCE = String.raw`
${FIND}
inside=$1 t=$2 sql=$3; shift 3
find_data "$1" "$2"
[ -n "$real" ] || exit 0
# Each program that is not started counts: a user namespace may give / to nobody, and then id tells.
if [ -O / ]; then me=root; else me=$(id -un); fi
if [ -O "$real" ]; then owner=$me; else owner=$(stat -c %U -- "$real" 2>/dev/null); fi
[ -n "$owner" ] && [ "$owner" != root ] || exit 0
by=self
if [ "$owner" != "$me" ]; then
  if [ "$me" != root ]; then by=sudo
  elif command -v runuser >/dev/null 2>&1; then by=runuser
  else by=su
  fi
fi
uid= gid=
if [ "$by" = runuser ] && [ -x /usr/bin/setpriv ] && [ ! -L /usr/bin/setpriv ]; then
  while IFS=: read -r n _ u g _; do [ "$n" != "$owner" ] || { uid=$u gid=$g; break; }; done </etc/passwd
fi
printf '\n%s login\n%s' "$t" "$me"
set -- sh -c "$inside" glance "$t" "$sql" "$me" "$owner" "$by" "$@"
case $by in
  self) exec "$@" ;;
  runuser) [ -z "$gid" ] || exec setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"; exec runuser -u "$owner" -- "$@" ;;
  su) exec su -s /bin/sh "$owner" -c 'exec "$@"' sh "$@" ;;
  sudo) exec sudo -n -u "$owner" -- "$@" ;;
esac
`;

/** Runs as the owner of the first node's data. A node of somebody else has no sections. */
export const GLANCE_INSIDE = String.raw`
${RECOVERING}
${FIND}
t=$1 sql=$2 me=$3 owner=$4 by=$5; shift 5
export LC_ALL=C
nl='
'
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
# By the shell's own means: they are some lines.
show() {
  [ -r "$2" ] || return 0
  text=
  while IFS= read -r line; do text=$text$line$nl; done <"$2"
  printf '\n%s %s %s\n%s' "$t" "$1" "$2" "$text$line"
}
exec 3>&1 2>/dev/null
IFS= read -r name </proc/sys/kernel/hostname || name=
alone=; [ $# -gt 4 ] || alone=yes
psql= asks= n=0
# What a look around tells of a node; its server is put down to be asked.
around() {
  n=$((n + 1)) b=$3 su=${'$'}{4:-$owner}
  find_data "$1" "$2"
  [ -n "$real" ] && [ -O "$real" ] || return 0
  say "node $n" ''; say login "$me"; say owner "$owner"; say by "$by"; say pgdata "$pgdata"; say real "$real"; say hostname "$name"
  pid= port= socket= major= exe= opts=/etc/postgresql/
  { IFS= read -r pid; IFS= read -r _; IFS= read -r _; IFS= read -r port; IFS= read -r socket; } <"$real/postmaster.pid"
  [ -n "$pid" ] && kill -0 "$pid" && IFS= read -r major <"$real/PG_VERSION" || return 0
  [ -r "$real/postmaster.opts" ] && read -r exe opts <"$real/postmaster.opts"
  [ -n "$b" ] || b=${'$'}{exe%/*}
  [ -x "$b/psql" ] || { exe=$(readlink "/proc/$pid/exe") && b=${'$'}{exe%/*}; }
  [ -x "$b/psql" ] || return 0
  [ -n "$socket" ] || socket=localhost
  connect=
  if [ -n "$psql" ]; then
    # Another program, or a name that would have to be quoted twice: the whole probe asks it.
    case $socket$port$su in *[!A-Za-z0-9_./-]*) return 0 ;; esac
    [ "$psql" = "$b/psql" ] || return 0
    connect="\connect \"host=$socket port=$port user=$su dbname=postgres\"$nl"
  else
    psql=$b/psql firstsocket=$socket firstport=$port firstsu=$su
  fi
  say became "$owner"; say exists ''; say pgversion "$major"; say pidfile "$pid"; say alive yes
  say chosen "$b"; say 'program psql' "$b/psql"; say port "$port"; say socket "$socket"
  [ -d /run/systemd/system ] && { say systemd yes; say cgroup "$(cat "/proc/$pid/cgroup")"; }
  command -v pg_ctlcluster >/dev/null && say postgresqlcommon yes
  # A server that has its configuration there was started with a word that says so.
  set --
  case $opts in */etc/postgresql/*) set -- /etc/postgresql/*/*/postgresql.conf ;; esac
  for f in "$@"; do
    [ -f "$f" ] || continue
    d=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$f" | tail -n 1)
    [ -n "$d" ] && [ "$(readlink -f -- "$d")" = "$real" ] && { d=${'$'}{f%/postgresql.conf}; say debian "${'$'}{d#/etc/postgresql/}"; }
  done
  show auto "$real/postgresql.auto.conf"; show recovery "$real/recovery.conf"
  for s in standby.signal recovery.signal; do [ -f "$real/$s" ] && say signal "$s"; done
  set -- "$real"/pg_wal/archive_status/*.ready
  [ -e "$1" ] && say ready "$#" || say ready 0
  say asked "$su postgres"
  asks="$asks$connect\\echo$nl\\echo $t node $n$nl\\echo $t answer$nl$sql$nl\\echo $t end$nl"
}
while [ $# -gt 0 ]; do around "$1" "$2" "$3" "$4"; shift 4; done
say 'node 0' ''
[ -n "$asks" ] || exit 0
export PGCONNECT_TIMEOUT=5 PGOPTIONS='${LOOKING}' PGAPPNAME=pgrepl
why=$(printf %s "$asks" | "$psql" -XAtqw -v ON_ERROR_STOP=1 -h "$firstsocket" -p "$firstport" -U "$firstsu" -d postgres 2>&1 >&3) && exit 0
[ -n "$alone" ] || exit 0
case $why in *timeout* | *'starting up'* | *'not yet accepting'* | *'shutting down'* | *refused*) say 'node 1' ''; say mute "$why"; recovering; say end ok ;; esac
`;
