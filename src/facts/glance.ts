import { RECOVERING } from './probe.ts';

/**
 * The probe for `status`: it looks at a server that runs and nothing else, with a tenth of the processes of
 * facts/probe.ts, since sixteen nodes may be on one machine; it begins when a line comes in. Its sections are the same. Where no server runs, or
 * it does not let itself be asked the usual way, there is no section `answer` or `mute`, and the whole probe goes.
 * Nothing is started from here, so that it needs no session of PAM: setpriv takes a third of runuser's time, and writes
 * nothing into the log of logins. busybox has one that cannot become somebody.
 */
export const GLANCE = String.raw`
look=$1 t=$2 pgdata=$3 debian=$4 bindir=$5 sql=$6 su=$7
# Until all nodes have their process: who starts sixteen must not wait for a processor that the first ones took.
IFS= read -r _
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
if [ -z "$pgdata" ]; then
  pgdata=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "/etc/postgresql/$debian/postgresql.conf" 2>/dev/null | tail -n 1)
  [ -n "$pgdata" ] || pgdata=/var/lib/postgresql/$debian
fi
# Each program that is not started counts: a user namespace may give / to nobody, and then id tells.
if [ -O / ]; then me=root; else me=$(id -un); fi
real=$(cd -P -- "$pgdata" 2>/dev/null && pwd -P) || real=$(readlink -f -- "$pgdata" 2>/dev/null)
[ -n "$real" ] || exit 0
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
IFS= read -r name </proc/sys/kernel/hostname || name=
say login "$me"; say owner "$owner"; say by "$by"; say pgdata "$pgdata"; say real "$real"; say hostname "$name"
set -- sh -c "$look" glance "$t" "$real" "$owner" "$bindir" "$sql" "$su"
case $by in
  self) exec "$@" ;;
  runuser) [ -z "$gid" ] || exec setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"; exec runuser -u "$owner" -- "$@" ;;
  su) exec su -s /bin/sh "$owner" -c 'exec "$@"' sh "$@" ;;
  sudo) exec sudo -n -u "$owner" -- "$@" ;;
esac
`;

/** Runs as the owner of the data. */
export const GLANCE_INSIDE = String.raw`
${RECOVERING}
t=$1 real=$2 owner=$3 b=$4 sql=$5 su=${'$'}{6:-$owner}
export LC_ALL=C
cd / || exit 1
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
exec 2>/dev/null
{ IFS= read -r pid; IFS= read -r _; IFS= read -r _; IFS= read -r port; IFS= read -r socket; } <"$real/postmaster.pid"
[ -n "$pid" ] && kill -0 "$pid" && IFS= read -r major <"$real/PG_VERSION" || exit 0
exe= opts=/etc/postgresql/
[ -r "$real/postmaster.opts" ] && read -r exe opts <"$real/postmaster.opts"
[ -n "$b" ] || b=${'$'}{exe%/*}
[ -x "$b/psql" ] || { exe=$(readlink "/proc/$pid/exe") && b=${'$'}{exe%/*}; }
[ -x "$b/psql" ] || exit 0
[ -n "$socket" ] || socket=localhost
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
export PGCONNECT_TIMEOUT=5 PGOPTIONS='-c statement_timeout=15s -c client_min_messages=error' PGAPPNAME=pgrepl
answer=$(printf '%s\n' "$sql" | "$b/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U "$su" -d postgres 2>&1) && {
  # Another role may be a superuser: the whole probe tries them.
  case $su$answer in "$owner"*'"superuser" : false'*) exit 0 ;; esac
  say asked "$su postgres"; say answer "$answer"; say end ok; exit 0; }
case $answer in *timeout* | *'starting up'* | *'not yet accepting'* | *'shutting down'* | *refused*) say mute "$answer"; recovering; say end ok ;; esac
`;
