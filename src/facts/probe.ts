import { LOOKING } from '../cluster/session.ts';
import { INCLUDED } from './included.ts';

/**
 * The shell that looks at a host, in one process and one round trip. It changes nothing. Its answer is a list
 * of sections: a line `TOKEN name`, then the value up to the next such line.
 *
 * PROBE runs as whoever logged in, finds the owner of the data directory, and goes on as them with LOOK:
 * PostgreSQL's programs refuse root, and a stranger may not read the directory.
 */
export const PROBE = String.raw`
look=$1 t=$2 pgdata=$3 debian=$4 bindir=$5 lock=$6 sql=$7 su=$8
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
if [ -z "$pgdata" ]; then
  conf=/etc/postgresql/$debian/postgresql.conf
  pgdata=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$conf" 2>/dev/null | tail -n 1)
  [ -n "$pgdata" ] || pgdata=/var/lib/postgresql/$debian
fi
# Each program that is not started counts: a user namespace may give / to nobody, and then id tells.
real=$(cd -P -- "$pgdata" 2>/dev/null && pwd -P) || real=$(readlink -f -- "$pgdata" 2>/dev/null) || real=$pgdata
if [ -O / ]; then me=root; else me=$(id -un); fi
if [ -O "$real" ]; then owner=$me; else owner=$(stat -c %U -- "$real" 2>/dev/null); fi
[ -n "$owner" ] && [ "$owner" != root ] || { owner=$me; [ "$me" != root ] || owner=postgres; }
by=self
if [ "$owner" != "$me" ]; then
  if [ "$me" != root ]; then by=sudo
  elif command -v runuser >/dev/null 2>&1; then by=runuser
  else by=su
  fi
fi
say login "$me"; say owner "$owner"; say by "$by"; say pgdata "$pgdata"; say real "$real"
IFS= read -r name </proc/sys/kernel/hostname || name=$(uname -n)
say hostname "$name"
say os "$( (. /etc/os-release && printf %s "$PRETTY_NAME") 2>/dev/null || uname -s)"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo musl)"
set -- sh -c "$look" look "$t" "$real" "$debian" "$bindir" "$lock" "$owner" "$sql" "$su"
case $by in
  self) "$@" ;;
  runuser) runuser -u "$owner" -- "$@" ;;
  su) su -s /bin/sh "$owner" -c 'exec "$@"' sh "$@" ;;
  sudo) sudo -n -u "$owner" -- "$@" ;;
esac
`;

/**
 * How far a server is that does not answer yet: its state in postmaster.pid, which is in no language (miscadmin.h,
 * PM_STATUS_STARTING), the segment that its startup process shows, and how many lie after that one.
 */
export const RECOVERING = String.raw`
recovering() {
  segment=
  for c in $(cat "/proc/$pid/task/$pid/children"); do
    title=$(tr '\0' ' ' <"/proc/$c/cmdline" | sed -n 's/.*startup.* \([0-9A-F]\{24\}\).*/\1/p')
    [ -z "$title" ] || segment=$title
  done
  say pmstatus "$(sed -n '8s/ *$//p' "$real/postmaster.pid")"
  [ -z "$segment" ] || say recovering "$segment $(ls "$real/pg_wal" | awk -v at="$segment" 'length($0) == 24 && substr($0, 9) > substr(at, 9) { n++ } END { print n + 0 }')"
}
`;

/** Runs as the owner of the data. */
export const LOOK = String.raw`
${RECOVERING}${INCLUDED}
t=$1 real=$2 debian=$3 bindir=$4 lock=$5 me=$6 sql=$7 su=$8
export LC_ALL=C
cd / || exit 1
nl='
'
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
show() { [ -f "$2" ] || return 0; if [ -r "$2" ]; then printf '\n%s %s %s\n' "$t" "$1" "$2"; cat -- "$2"; else say "unreadable $2" ""; fi; }
say became "$me"
exec 4>&2 2>/dev/null
# A locked node keeps this process: it becomes the shell that the steps run in.
go_on() { unset LC_ALL PGCONNECT_TIMEOUT PGOPTIONS PGAPPNAME; exec sh 2>&4 4>&-; }
if [ -n "$lock" ]; then
  f= r=${'$'}{real#/}
  while :; do case $r in */*) f=$f${'$'}{r%%/*}% r=${'$'}{r#*/} ;; *) f=$f$r; break ;; esac; done
  [ "${'$'}{#f}" -le 200 ] || f=$(printf %s "$real" | cksum)
  f=/tmp/.pgrepl-$me-$f.lock
  # In a directory where everybody may write: neither somebody's link nor somebody's file.
  if [ -L "$f" ] || { [ -e "$f" ] && [ ! -O "$f" ]; }; then say locked "no somebody who made $f, which is not ours"; exit 0; fi
  over=
  case $lock in '!'*) over=${'$'}{lock%% *} over=${'$'}{over#!} lock=${'$'}{lock#* } ;; esac
  if [ -n "$over" ] && [ "$(readlink "/proc/$over/fd/9")" = "$f" ]; then
    kill "$over"
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "/proc/$over/fd/9" ] || break; sleep 0.1; done
  fi
  if exec 9<>"$f" && flock -n 9; then printf '%s, shell %s\n' "$lock" "$$" >"$f"; say locked yes; else say locked "no $(cat "$f" 2>/dev/null)"; exit 0; fi
fi
parent=${'$'}{real%/*}; parent=${'$'}{parent:-/}
near=$real; while [ ! -d "$near" ]; do near=${'$'}{near%/*}; near=${'$'}{near:-/}; done
# What does not wait for the server, and is not waited for by who asks it.
around() {
  if [ -d "$real" ]; then
    if [ -r "$real/PG_VERSION" ]; then say exists PG_VERSION; else say exists "$(ls -A -- "$real" | head -n 20)"; fi
    d=$(stat -c '%d %a %U' -- "$real" "$parent")
    d1=${'$'}{d%%$nl*} d2=${'$'}{d#*$nl}
    say dirmode "${'$'}{d1#* }"
    [ "${'$'}{d1%% *}" = "${'$'}{d2%% *}" ] || say mountpoint yes
  fi
  [ -w "$parent" ] && say parentwritable yes
  say nearest "$near"; [ -w "$near" ] && say creatable yes
  free=$(stat -f -c '%a %S' -- "$near"); say free "$((${'$'}{free% *} * ${'$'}{free#* } / 1024))"
  for s in "$real.pgrepl-new" "$real/.pgrepl-new"; do
    [ -f "$s/pgrepl" ] && say staged "$s"
    [ -f "$s/data/PG_VERSION" ] && [ -f "$s/complete" ] && say complete "$s"
    [ -d "$s" ] && [ ! -f "$s/pgrepl" ] && say obstacle "$s"
  done
  for s in /var/run/postgresql /tmp; do [ -d "$s" ] && [ -w "$s" ] && { say socketdir "$s"; break; }; done
  say listening "$(awk '$4 == "0A" { n = split($2, a, ":"); if (!seen[a[n]]++) print a[n] }' /proc/net/tcp /proc/net/tcp6)"
  for s in "$real".pgrepl-old-*; do [ -d "$s" ] && say aside "$s"; done
  [ -L "$real/pg_wal" ] && { say wallink "$(readlink -f -- "$real/pg_wal")"; say walnamed "$(readlink -- "$real/pg_wal")"; free=$(stat -f -c '%a %S' -- "$real/pg_wal/"); say walfree "$((${'$'}{free% *} * ${'$'}{free#* } / 1024))"; }
  for l in "$real"/pg_tblspc/*; do [ -L "$l" ] && say tablespace "${'$'}{l##*/} $(readlink -f -- "$l")"; done
}
major=
[ -r "$real/PG_VERSION" ] && IFS= read -r major <"$real/PG_VERSION"
[ -n "$major" ] && say pgversion "$major"
[ -d /run/systemd/system ] && say systemd yes
command -v pg_ctlcluster >/dev/null && say postgresqlcommon yes
newest= most=0
for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
  [ -x "$d/postgres" ] || continue
  say bindir "$d"
  n=${'$'}{d%/bin}; n=${'$'}{n##*[!0-9]}
  [ "${'$'}{n:-0}" -gt "$most" ] && { most=$n newest=$d; }
done
path=$(command -v postgres) && path=$(readlink -f -- "$path") && { path=${'$'}{path%/*}; say bindir "$path"; }
pid= port= socket= alive=
[ -r "$real/postmaster.pid" ] && { IFS= read -r pid; IFS= read -r _; IFS= read -r _; IFS= read -r port; IFS= read -r socket; } <"$real/postmaster.pid"
if [ -n "$pid" ] && kill -0 "$pid"; then
  s=; [ -r "/proc/$pid/stat" ] && IFS= read -r s <"/proc/$pid/stat"
  case ${'$'}{s##*) } in Z*) ;; *) alive=yes ;; esac
fi
[ -n "$pid" ] && say pidfile "$pid"
[ -n "$alive" ] && say alive yes
b=$bindir
if [ -z "$b" ] && [ -n "$alive" ]; then
  read -r exe _ <"$real/postmaster.opts" && b=${'$'}{exe%/*}
  [ -x "$b/postgres" ] || { b=; exe=$(readlink "/proc/$pid/exe") && b=${'$'}{exe%/*}; }
fi
[ -n "$b" ] || for d in "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin"; do [ -n "$major" ] && [ -x "$d/postgres" ] && b=$d; done
[ -n "$b" ] || b=$path
if [ -z "$b" ] && [ -z "$major" ]; then
  case $debian in
    ?*) for d in "/usr/lib/postgresql/${'$'}{debian%%/*}/bin" "/usr/pgsql-${'$'}{debian%%/*}/bin"; do [ -x "$d/postgres" ] && b=$d; done ;;
    *) b=$newest ;;
  esac
fi
[ -n "$b" ] && say chosen "$b"
case $b in '' | */postgresql/[0-9]*/bin | */pgsql-[0-9]*/bin) ;; *) say chosenversion "$("$b/postgres" --version)" ;; esac
for x in postgres initdb pg_ctl psql pg_basebackup pg_controldata pg_rewind pg_verifybackup pg_amcheck; do
  if [ -n "$b" ] && [ -x "$b/$x" ]; then say "program $x" "$b/$x"
  else case $x in psql | pg_basebackup)
    if [ -n "$newest" ] && [ -x "$newest/$x" ]; then say "program $x" "$newest/$x"
    else p=$(command -v "$x") && say "program $x" "$p"; fi ;;
  esac; fi
done
# Superusers that do not have the owner's name: those that pg_ident.conf lets the owner be, and initdb's own, which has
# the OID 10 (pg_authid.dat) and stands in a file that the owner can read (relation 1260): the OID, then the name.
mapped() {
  for f in "$real/pg_ident.conf" "/etc/postgresql/$debian/pg_ident.conf"; do
    [ -r "$f" ] && awk -v me="$me" '{ gsub(/"/, "") } $1 !~ /^#/ && $2 == me && $3 !~ /[\\\/]/ { print $3 }' "$f"
  done
}
bootstrap() {
  [ -r "$real/global/1260" ] && od -An -v -tu1 "$real/global/1260" | awk '{
    for (i = 1; i <= NF; i++) {
      if (on && $i > 0) name = name sprintf("%c", $i)
      else if (on) { if (name != "") print name; on = 0 }
      else if ($i == 0 && c == 0 && b == 0 && a == 10) { on = 1; name = "" }
      a = b; b = c; c = $i
    } }'
}
answer= conf= hba=
around &
if [ -n "$alive" ]; then
  # A line each, before the answer: the shell takes nothing out of JSON.
  files="SELECT translate(coalesce(max(setting), ''), e'\\n', '') FROM pg_settings WHERE name = 'config_file';
SELECT translate(coalesce(max(setting), ''), e'\\n', '') FROM pg_settings WHERE name = 'hba_file';"
  [ -n "$socket" ] || socket=localhost
  say port "$port"; say socket "$socket"
  # Where its output goes, which is what somebody gave to pg_ctl -l.
  l=$(readlink "/proc/$pid/fd/2") && [ -f "$l" ] && [ -w "$l" ] && say log "$l"
  psql=psql; [ -x "$b/psql" ] && psql=$b/psql || { [ -x "$newest/psql" ] && psql=$newest/psql; }
  export PGCONNECT_TIMEOUT=5 PGOPTIONS='${LOOKING}' PGAPPNAME=pgrepl
  less= lessby=
  take() { conf=${'$'}{1%%$nl*} out=${'$'}{1#*$nl}; hba=${'$'}{out%%$nl*} answer=${'$'}{out#*$nl}; say asked "$2"; }
  # 0: asked, as a superuser; 1: another role may do better; 2: nobody would.
  ask() {
    for d in postgres template1; do
      if out=$(printf '%s\n' "$files" "$sql" | "$psql" -XAtqw -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U "$1" -d "$d" 2>&1); then
        case $out in *'"superuser" : true'*) take "$out" "$1 $d"; return 0 ;; esac
        [ -n "$less" ] || { less=$out; lessby="$1 $d"; }
        return 1
      fi
      [ "$d" = template1 ] || say tried "$1$nl$out"
      case $out in *timeout* | *refused* | *'No such file'* | *'starting up'* | *'not yet accepting'* | *'not accepting'* | *'shutting down'* | *'recovery state'* | *'in recovery mode'* | *'too many'*) return 2 ;; *'does not exist'*) ;; *) return 1 ;; esac
    done
    return 1
  }
  if [ -n "$su" ]; then ask "$su"
  else
    ask "$me"; r=$?
    [ $r -ne 1 ] || [ "$me" = postgres ] || { ask postgres; r=$?; }
    if [ $r -eq 1 ]; then
      known=$nl$me${'$'}{nl}postgres$nl
      while IFS= read -r u; do
        case $known in *"$nl$u$nl"*) continue ;; esac
        known=$known$u$nl
        ask "$u"; [ $? -eq 1 ] || break
      done <<WHO
$(mapped; bootstrap)
WHO
    fi
  fi
  if [ -z "$answer" ] && [ -n "$less" ]; then take "$less" "$lessby"; fi
  wait
  if [ -n "$answer" ]; then say answer "$answer"; else say mute ''; recovering; fi
fi
if [ -z "$answer" ] && [ -n "$major" ] && [ -x "$b/pg_controldata" ]; then { c=$("$b/pg_controldata" -D "$real" 2>&1); say control "$c"; } & fi
if [ -z "$answer$su" ] && [ -n "$major" ] && [ -r "$real/global/1260" ] && ! tr '\0' '\n' <"$real/global/1260" | grep -qxF -- "$me"; then
  u=$(bootstrap | tail -n 1)
  [ -z "$u" ] || say superuser "$u"
fi
# Where the server says its files are; else where Debian's layout, its last start or its own directory have them.
case $conf in
  '') set -- /etc/postgresql/*/*/postgresql.conf ;;
  /etc/postgresql/*/*/postgresql.conf) set -- "$conf" ;;
  *) set -- ;;
esac
for f in "$@"; do
  [ -f "$f" ] || continue
  d=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$f")
  d=${'$'}{d##*$nl}
  [ -n "$d" ] && { [ "$d" = "$real" ] || [ "$(readlink -f -- "$d")" = "$real" ]; } || continue
  [ -n "$conf" ] || conf=$f
  f=${'$'}{f%/postgresql.conf}; say debian "${'$'}{f#/etc/postgresql/}"
done
if [ -n "$alive" ] && [ -r "/proc/$pid/cgroup" ]; then
  say cgroup "$(cat "/proc/$pid/cgroup")"
elif [ -d /run/systemd/system ]; then
  # A drop-in is what Red Hat tells people to move the data with; the packages' own line ends with a slash.
  for f in /etc/systemd/system/*.service.d/*.conf /etc/systemd/system/*.service /usr/lib/systemd/system/postgresql*.service /lib/systemd/system/postgresql*.service; do
    [ -f "$f" ] || continue
    d=$(sed -n 's/^[[:space:]]*Environment=.*PGDATA=\([^" ]*\).*/\1/p' "$f")
    d=${'$'}{d##*$nl} d=${'$'}{d%/}
    [ -n "$d" ] && { [ "$d" = "$real" ] || [ "$(readlink -f -- "$d")" = "$real" ]; } || continue
    case $f in *.service.d/*) f=${'$'}{f%.d/*} ;; esac
    say unit "${'$'}{f##*/}"
    break
  done
fi
if [ -z "$conf" ] && [ ! -f "$real/postgresql.conf" ] && [ -r "$real/postmaster.opts" ]; then
  # Each word of the last start in quotes, a line each; -D is the directory of the configuration.
  words=$(sed 's/" "/\n/g; s/ "/\n/; s/"$//' "$real/postmaster.opts")
  conf=$(printf '%s\n' "$words" | sed -n 's/^\(-c\)\{0,1\}config_file=//p; s/^--config[-_]file=//p')
  conf=${'$'}{conf##*$nl}
  if [ -z "$conf" ]; then
    conf=$(printf '%s\n' "$words" | sed -n '/^-D$/{n;p;}; s/^-D\(.\)/\1/p')
    conf=${'$'}{conf##*$nl}/postgresql.conf
    [ -f "$conf" ] || conf=
  fi
fi
[ -n "$conf" ] || conf=$real/postgresql.conf
dir=${'$'}{conf%/*}
# A file is more than a pipe takes at once: nobody else may write meanwhile.
wait
show conf "$conf"; show auto "$real/postgresql.auto.conf"; show recovery "$real/recovery.conf"
if [ -z "$answer" ] && [ -f "$conf" ] && [ -x "$b/postgres" ]; then
  set -- -D "$dir" -c "data_directory=$real" -c "config_file=$conf"
  { s=$("$b/postgres" -C unix_socket_directories "$@") && say sockets "$s"; } &
  hba=$("$b/postgres" -C hba_file "$@" 2>&1) || { say confwrong "$hba"; hba=; }
  wait
fi
case $hba in '') hba=$dir/pg_hba.conf ;; /*) ;; *) hba=$real/$hba ;; esac
show hba "$hba"
set -- "$hba"
for f in "$dir/pgrepl.conf" "$dir/conf.d/99-pgrepl.conf"; do [ -f "$f" ] && set -- "$@" "$f"; show own "$f"; done
say written "$(stat -L -c %.9Y -- "$@")"
included "$conf" "$answer"
for s in standby.signal recovery.signal pgrepl.pgpass; do [ -f "$real/$s" ] && say signal "$s"; done
# A rewind that was cut short is told beside the data: pg_rewind removes what its source has not.
s=$real.pgrepl-rewind; [ -w "$parent" ] || s=/var/tmp/pgrepl-rewind$(printf %s "$real" | tr / _)
[ -f "$s/state" ] && [ "$(cat -- "$s/inode")" = "$(stat -c %i -- "$real")" ] && say signal pgrepl.rewinding
if [ -d "$real/pg_wal/archive_status" ]; then
  n=0; for f in "$real"/pg_wal/archive_status/*.ready; do [ -f "$f" ] && n=$((n + 1)); done
  say ready "$n"
fi
say end ok
[ -z "$lock" ] || go_on
`;
