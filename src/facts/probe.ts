/**
 * The shell that looks at a host, in one process and one round trip. It changes nothing. Its answer is a list
 * of sections: a line `TOKEN name`, then the value up to the next such line.
 *
 * PROBE runs as whoever logged in, finds the owner of the data directory, and goes on as them with LOOK:
 * PostgreSQL's programs refuse root, and a stranger may not read the directory.
 */
export const PROBE = String.raw`
look=$1 t=$2 pgdata=$3 debian=$4 bindir=$5 lock=$6 sql=$7
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
if [ -z "$pgdata" ]; then
  conf=/etc/postgresql/$debian/postgresql.conf
  pgdata=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$conf" 2>/dev/null | tail -n 1)
  [ -n "$pgdata" ] || pgdata=/var/lib/postgresql/$debian
fi
real=$(readlink -f -- "$pgdata" 2>/dev/null) || real=$pgdata
me=$(id -un)
owner=$(stat -c %U -- "$real" 2>/dev/null)
[ -n "$owner" ] && [ "$owner" != root ] || { owner=$me; [ "$me" != root ] || owner=postgres; }
by=self
if [ "$owner" != "$me" ]; then
  if [ "$me" != root ]; then by=sudo
  elif command -v runuser >/dev/null 2>&1; then by=runuser
  else by=su
  fi
fi
say login "$me"; say owner "$owner"; say by "$by"; say pgdata "$pgdata"; say real "$real"
say hostname "$(uname -n)"
say os "$( (. /etc/os-release && printf %s "$PRETTY_NAME") 2>/dev/null || uname -s)"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo musl)"
set -- sh -c "$look" look "$t" "$real" "$debian" "$bindir" "$lock" "$sql"
case $by in
  self) "$@" ;;
  runuser) runuser -u "$owner" -- "$@" ;;
  su) su -s /bin/sh "$owner" -c 'exec "$@"' sh "$@" ;;
  sudo) sudo -n -u "$owner" -- "$@" ;;
esac
`;

/** Runs as the owner of the data. */
export const LOOK = String.raw`
t=$1 real=$2 debian=$3 bindir=$4 lock=$5 sql=$6
export LC_ALL=C
cd / || exit 1
say() { printf '\n%s %s\n%s' "$t" "$1" "$2"; }
show() { [ -f "$2" ] || return 0; if [ -r "$2" ]; then printf '\n%s %s %s\n' "$t" "$1" "$2"; cat -- "$2"; else say "unreadable $2" ""; fi; }
say became "$(id -un)"
exec 4>&2 2>/dev/null
# A locked node keeps this process: it becomes the shell that the steps run in.
go_on() { unset LC_ALL PGCONNECT_TIMEOUT PGOPTIONS PGAPPNAME; exec sh 2>&4 4>&-; }
if [ -n "$lock" ]; then
  f=/tmp/.pgrepl-$(id -un)-$(printf %s "$real" | cksum | tr ' ' -).lock
  if exec 9<>"$f" && flock -n 9; then printf '%s\n' "$lock" >"$f"; say locked yes; else say locked "no $(cat "$f" 2>/dev/null)"; exit 0; fi
fi
parent=$(dirname -- "$real")
[ -d "$real" ] && say exists "$(ls -A -- "$real" 2>&1 | head -n 20)"
[ -d "$real" ] && say dirmode "$(stat -c '%a %U' -- "$real")"
[ -w "$parent" ] && say parentwritable yes
if [ -d "$real" ] && [ "$(stat -c %d -- "$real")" != "$(stat -c %d -- "$parent")" ]; then say mountpoint yes; fi
near=$real; while [ ! -d "$near" ]; do near=$(dirname -- "$near"); done
[ -w "$near" ] && say creatable yes
say free "$(df -Pk -- "$near" 2>/dev/null | awk 'NR == 2 { print $4 }')"
for s in "$real.pgrepl-new" "$real/.pgrepl-new"; do
  [ -f "$s/pgrepl" ] && say staged "$s"
  [ -f "$s/data/PG_VERSION" ] && [ -f "$s/complete" ] && say complete "$s"
  [ -d "$s" ] && [ ! -f "$s/pgrepl" ] && say obstacle "$s"
done
for s in /var/run/postgresql /tmp; do [ -d "$s" ] && [ -w "$s" ] && { say socketdir "$s"; break; }; done
say listening "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { n = split($2, a, ":"); print a[n] }' | sort -u)"
for s in "$real".pgrepl-old-*; do [ -d "$s" ] && say aside "$s"; done
major=$(head -n 1 -- "$real/PG_VERSION" 2>/dev/null)
[ -n "$major" ] && say pgversion "$major"
[ -d /run/systemd/system ] && say systemd yes
command -v pg_ctlcluster >/dev/null 2>&1 && say postgresqlcommon yes
for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do [ -x "$d/postgres" ] && say bindir "$d"; done
p=$(command -v postgres 2>/dev/null) && say bindir "$(dirname -- "$(readlink -f -- "$p")")"
pid=$(head -n 1 -- "$real/postmaster.pid" 2>/dev/null)
alive=
if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
  case $(sed 's/.*) \(.\) .*/\1/' "/proc/$pid/stat" 2>/dev/null) in Z) ;; *) alive=yes ;; esac
fi
[ -n "$pid" ] && say pidfile "$pid"
[ -n "$alive" ] && say alive yes
b=$bindir
[ -n "$b" ] || { [ -n "$alive" ] && exe=$(readlink "/proc/$pid/exe" 2>/dev/null) && b=$(dirname -- "$exe"); }
[ -n "$b" ] || for d in "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin"; do [ -n "$major" ] && [ -x "$d/postgres" ] && b=$d; done
[ -n "$b" ] || { p=$(command -v postgres 2>/dev/null) && b=$(dirname -- "$(readlink -f -- "$p")"); }
if [ -z "$b" ] && [ -z "$major" ]; then
  case $debian in ?*) want=$(printf '%s' "$debian" | sed 's:/.*::') ;; *) want='*' ;; esac
  b=$(ls -d /usr/lib/postgresql/$want/bin /usr/pgsql-$want/bin 2>/dev/null | sort -V | tail -n 1)
fi
[ -n "$b" ] && say chosen "$b"
case $b in '' | */postgresql/[0-9]*/bin | */pgsql-[0-9]*/bin) ;; *) say chosenversion "$("$b/postgres" --version)" ;; esac
newest=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -n 1)
for x in postgres initdb pg_ctl psql pg_basebackup pg_controldata pg_rewind pg_verifybackup pg_amcheck; do
  if [ -n "$b" ] && [ -x "$b/$x" ]; then say "program $x" "$b/$x"
  else case $x in psql | pg_basebackup)
    if [ -n "$newest" ] && [ -x "$newest/$x" ]; then say "program $x" "$newest/$x"
    else p=$(command -v "$x" 2>/dev/null) && say "program $x" "$p"; fi ;;
  esac; fi
done
[ -L "$real/pg_wal" ] && say wallink "$(readlink -f -- "$real/pg_wal")"
for l in "$real"/pg_tblspc/*; do [ -L "$l" ] && say tablespace "$(basename -- "$l") $(readlink -f -- "$l")"; done
conf=
for f in /etc/postgresql/*/*/postgresql.conf; do
  [ -f "$f" ] || continue
  d=$(sed -n "s/^[[:space:]]*data_directory[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$f" 2>/dev/null | tail -n 1)
  [ -n "$d" ] && [ "$(readlink -f -- "$d")" = "$real" ] && { conf=$f; say debian "$(printf %s "$f" | sed 's:/etc/postgresql/\(.*\)/postgresql.conf:\1:')"; }
done
if [ -n "$alive" ] && [ -r "/proc/$pid/cgroup" ]; then
  say cgroup "$(cat "/proc/$pid/cgroup" 2>/dev/null)"
elif [ -d /run/systemd/system ]; then
  for f in /etc/systemd/system/*.service /usr/lib/systemd/system/postgresql*.service /lib/systemd/system/postgresql*.service; do
    [ -f "$f" ] && grep -qF "PGDATA=$real" "$f" 2>/dev/null && say unit "$(basename -- "$f")"
  done
fi
if [ -z "$conf" ]; then
  c=$(tr ' ' '\n' <"$real/postmaster.opts" 2>/dev/null | tr -d '"' | sed -n 's/^config_file=//p; s/^--config[-_]file=//p' | head -n 1)
  [ -n "$c" ] && conf=$c || conf=$real/postgresql.conf
fi
dir=$(dirname -- "$conf")
show conf "$conf"; show auto "$real/postgresql.auto.conf"; show recovery "$real/recovery.conf"
hba=$(sed -n "s/^[[:space:]]*hba_file[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\1/p" "$conf" 2>/dev/null | tail -n 1)
case $hba in '') hba=$dir/pg_hba.conf ;; /*) ;; *) hba=$real/$hba ;; esac
show hba "$hba"
for f in "$dir/pgrepl.conf" "$dir/conf.d/99-pgrepl.conf"; do show own "$f"; done
for f in "$dir"/conf.d/*.conf; do show included "$f"; done
sed -n "s/^[[:space:]]*include\(_if_exists\)*[[:space:]]*=*[[:space:]]*'\([^']*\)'.*/\2/p" "$conf" 2>/dev/null | while IFS= read -r f; do
  case $f in /*) ;; *) f=$dir/$f ;; esac
  show included "$f"
done
for s in standby.signal recovery.signal pgrepl.pgpass pgrepl.rewinding; do [ -f "$real/$s" ] && say signal "$s"; done
[ -d "$real/pg_wal/archive_status" ] && say ready "$(ls "$real/pg_wal/archive_status" 2>/dev/null | grep -c '\.ready$')"
if [ -n "$major" ] && [ -x "$b/pg_controldata" ]; then say control "$("$b/pg_controldata" -D "$real" 2>&1)"; fi
[ -n "$alive" ] || { say end ok; [ -z "$lock" ] || go_on; exit 0; }
port=$(sed -n 4p "$real/postmaster.pid"); socket=$(sed -n 5p "$real/postmaster.pid")
[ -n "$socket" ] || socket=localhost
say port "$port"; say socket "$socket"
psql=psql; [ -x "$b/psql" ] && psql=$b/psql || { [ -x "$newest/psql" ] && psql=$newest/psql; }
export PGCONNECT_TIMEOUT=5 PGOPTIONS='-c statement_timeout=15s -c client_min_messages=error' PGAPPNAME=pgrepl
first=
for u in "$(id -un)" postgres; do
  for d in postgres template1; do
    out=$(printf '%s\n' "$sql" | "$psql" -XAtqw -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U "$u" -d "$d" 2>&1) && {
      say asked "$u $d"; say answer "$out"; say end ok; [ -z "$lock" ] || go_on; exit 0; }
    [ -n "$first" ] || first=$out
    case $out in *'does not exist'*) ;; *) break ;; esac
  done
done
say mute "$first"
say end ok
[ -z "$lock" ] || go_on
`;
