/**
 * The few literals of shell that steps run as `sh -c LITERAL name "$@"`: what needs more than one system call and
 * must hold whole. Everything that varies comes in as a positional parameter, so that nothing is quoted by hand.
 */

/** A file on the disk before it has its name; a half-made copy is flushed whole, before it becomes real. */
const FLUSH_FILE = String.raw`flush() { case $1 in *.pgrepl-new/data/*) ;; *) sync "$1" 2>/dev/null || sync ;; esac; }`;

/** stdin into a file, whole or not at all: new file, fsync, rename. Keeps owner, mode and link of one that is there. */
export const WRITE = String.raw`set -e
umask 077
${FLUSH_FILE}
p=$1
[ ! -L "$p" ] || p=$(readlink -f -- "$1")
case $p in */*) d=${'$'}{p%/*}; d=${'$'}{d:-/} ;; *) d=. ;; esac
[ -d "$d" ] || mkdir -p -- "$d"
if [ -w "$d" ]; then
  n=$p.pgrepl-tmp
  if [ -e "$n" ] || [ -L "$n" ]; then rm -f -- "$n"; fi
  if [ -e "$p" ]; then cp -p -- "$p" "$n"; fi
  cat >"$n"
  if [ "$2" != keep ] || [ ! -e "$p" ]; then m=$2; [ "$m" != keep ] || m=0600; chmod "$m" "$n"; fi
  flush "$n"
  mv -f -- "$n" "$p"
  flush "$d/"
else
  cat >"$p"
fi`;

/** Whether a file is, byte for byte, what comes in by stdin: a password is compared where it lies, and shown to nobody. */
export const IS_SAME = `cmp -s -- "$1" - && echo same || echo other`;

/** The first line of stdin is the password: it reaches libpq by the environment of one process, and no argv. */
export const WITH_PASSWORD = `IFS= read -r PGPASSWORD; export PGPASSWORD; exec "$@"`;

/**
 * A program on a leash: when our stdin ends because we are gone, so does the program, with all it started: the
 * process of pg_basebackup that receives WAL outlives its parent, and would hold its slot for ever. The first line
 * of stdin says how many bytes are the program's own.
 */
export const LEASH = String.raw`IFS= read -r n
c=$(head -c "$n"; printf .)
c=${'$'}{c%.}
exec 3<&0
own=; command -v setsid >/dev/null && own=setsid
printf %s "$c" | $own "$@" 3<&- &
p=$!
end() { kill -s TERM -- "-$p" || kill "$p"; }
(cat <&3 >/dev/null; end) >/dev/null 2>&1 &
w=$!
exec 3<&-
wait "$p"
r=$?
kill "$w" 2>/dev/null
[ -z "$own" ] || kill -s TERM -- "-$p" 2>/dev/null
exit "$r"`;

/**
 * A program that fills a directory, and its bytes go to the disk meanwhile: the server reads, the program writes, and
 * the disk would wait for the end. INSTALL flushes what is left.
 */
export const COPY = String.raw`d=$1; shift
while sleep 0.2 2>/dev/null || sleep 1; do sync -f "$d" || exit; done </dev/null >/dev/null 2>&1 &
w=$!
"$@"
r=$?
kill "$w" 2>/dev/null
exit "$r"`;

/**
 * Our staging directory: its mark comes first, so that a half-made one is known as ours. Directories outside it
 * that a copy will fill (tablespaces, WAL) must be empty or not there, and are written down before they are filled.
 */
export const MAKE_STAGING = String.raw`set -e
umask 077
s=$1; shift
if [ -d "$s" ] && [ ! -f "$s/pgrepl" ]; then echo "error: $s is not ours" >&2; exit 1; fi
for d in "$@"; do
  if [ -d "$d" ] && [ -n "$(ls -A -- "$d" | grep -v '^lost+found$')" ]; then echo "error: directory $d is not empty" >&2; exit 1; fi
done
mkdir -p -- "$s"
for d in "$@"; do printf '%s\n' "$d" >>"$s/outside"; done
echo "made by pgrepl; a later run removes or completes it" >"$s/pgrepl"`;

/**
 * Removes a staging directory, and refuses one without our mark. What the dead copy put outside it goes too, while
 * the copy is not the data directory yet: nothing that a data directory links to or a process has open, and nothing
 * but what pg_basebackup makes there.
 */
export const REMOVE_STAGING = String.raw`set -e
s=$1
[ -e "$s" ] || exit 0
[ -f "$s/pgrepl" ] || { echo "error: $s is not ours" >&2; exit 1; }
case $s in */.pgrepl-new) real=${'$'}{s%/.pgrepl-new} ;; *) real=${'$'}{s%.pgrepl-new} ;; esac
busy() {
  for c in "$real" "$real".pgrepl-old-* "$real"/.pgrepl-old-*; do
    for l in "$c"/pg_wal "$c"/pg_tblspc/*; do
      if [ -L "$l" ] && [ "$(readlink -f -- "$l")" = "$1" ]; then return 0; fi
    done
  done
  ls -l /proc/[0-9]*/fd 2>/dev/null | grep -qF -- "-> $1/"
}
empty() {
  for f in "$1"/.[!.]* "$1"/*; do
    [ -e "$f" ] || [ -L "$f" ] || continue
    case ${'$'}{f##*/} in
      lost+found) ;;
      PG_[0-9]*_[0-9]* | archive_status | summaries | [0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F]*) [ -n "$2" ] || rm -rf -- "$f" ;;
      *) echo "error: $f was not made by the copy that began here; look at it, and empty $1 if nobody needs it" >&2; exit 1 ;;
    esac
  done
}
if [ -f "$s/outside" ] && [ -d "$s/data" ] && { [ ! -f "$s/complete" ] || [ -f "$s/data/PG_VERSION" ]; }; then
  while IFS= read -r d; do
    [ -d "$d" ] || continue
    d=$(readlink -f -- "$d")
    n=0
    while busy "$d"; do
      n=$((n + 1))
      if [ "$n" -gt 25 ]; then echo "error: $d is in use" >&2; exit 1; fi
      sleep 0.2
    done
    empty "$d" only-look
    empty "$d" ''
  done <"$s/outside"
fi
rm -rf -- "$s/data"
rm -rf -- "$s"`;

/**
 * The one rename that makes it real: staging/data becomes the data directory, whose place is empty or not there. A
 * mount point cannot be renamed over: there every file is moved, PG_VERSION as the last, and running it again
 * goes on.
 */
export const INSTALL = String.raw`set -e
s=$1 real=$2
if [ ! -d "$s/data" ]; then echo "error: $s/data is not there" >&2; exit 1; fi
flush() { sync -f "$1" 2>/dev/null || sync; }
flush "$s/data"
if [ -f "$s/outside" ]; then while IFS= read -r d; do flush "$d"; done <"$s/outside"; fi
case $s in
  "$real"/*)
    echo complete >"$s/complete"
    flush "$s/complete"
    cd "$s/data"
    for f in .[!.]* *; do
      [ -e "$f" ] || [ -L "$f" ] || continue
      [ "$f" = PG_VERSION ] || mv -- "$f" "$real/"
    done
    flush "$real"
    mv -- PG_VERSION "$real/"
    cd /
    chmod 700 "$real" ;;
  *)
    if [ -d "$real" ]; then rmdir -- "$real"; fi
    mv -T -- "$s/data" "$real" 2>/dev/null || mv -- "$s/data" "$real" ;;
esac
flush "$(dirname -- "$real")"
rm -rf -- "$s"`;

/**
 * Moves a data directory aside; nothing of it is removed. Out of a mount point every file is moved, PG_VERSION as
 * the last, and a second run goes on where the first one was cut short.
 */
export const MOVE_ASIDE = String.raw`set -e
if [ "$3" = inside ]; then
  umask 077
  to=$2
  for d in "$1"/.pgrepl-old-*; do
    if [ -d "$d" ] && [ ! -f "$d/PG_VERSION" ]; then to=$d; fi
  done
  mkdir -p -- "$to"
  cd "$1"
  for f in .[!.]* *; do
    [ -e "$f" ] || [ -L "$f" ] || continue
    case $f in .pgrepl-* | PG_VERSION | lost+found) ;; *) mv -- "$f" "$to/" ;; esac
  done
  mv -- PG_VERSION "$to/"
else mv -- "$1" "$2"; fi`;

/**
 * What is where a copy will put things outside its directory, a line each: the device, the free kilobytes there,
 * and whether it is empty, used, or filled by a copy of ours that was cut short.
 */
export const LOOK_OUTSIDE = String.raw`s=$1; shift
for d in "$@"; do
  is=empty
  if [ -f "$s/outside" ] && grep -qxF -- "$d" "$s/outside"; then is=ours
  elif [ -d "$d" ] && [ -n "$(ls -A -- "$d" | grep -v '^lost+found$')" ]; then is=used
  elif [ -e "$d" ] && [ ! -d "$d" ]; then is=used
  fi
  while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done
  printf '%s %s %s\n' "$(stat -c %d -- "$d")" "$(df -Pk -- "$d" | awk 'NR == 2 { print $4 }')" "$is"
done`;

/**
 * Our include line at the end of somebody's postgresql.conf, once; everything before it stays byte for byte. A file
 * in conf.d needs none where that is included whole, which createcluster.conf decides on Debian.
 */
export const ADD_INCLUDE = String.raw`set -e
[ -f "$1" ] || exit 0
p=$(readlink -f -- "$1") && set -- "$p" "$2"
grep -q "^include_if_exists = '$2'" "$1" && exit 0
case $2 in conf.d/*) grep -Eq "^[[:space:]]*include_dir[[:space:]]*=?[[:space:]]*'(.*/)?conf\.d/?'" "$1" && exit 0 ;; esac
${FLUSH_FILE}
n=$1.pgrepl-tmp
cp -p -- "$1" "$n"
if [ -s "$n" ] && [ -n "$(tail -c 1 -- "$n")" ]; then echo >>"$n"; fi
printf "include_if_exists = '%s'  # pgrepl: keep this line last\n" "$2" >>"$n"
flush "$n"
mv -f -- "$n" "$1"`;

/** A data directory that was copied from a server whose configuration lives elsewhere has none: the least it needs. */
export const LEAST_CONFIG = String.raw`set -e
umask 077
[ -f "$1/postgresql.conf" ] || echo "# made by pgrepl: the upstream keeps its configuration outside its data directory" >"$1/postgresql.conf"
[ -f "$1/pg_ident.conf" ] || : >"$1/pg_ident.conf"
[ -f "$1/pg_hba.conf" ] || printf %s "$2" >"$1/pg_hba.conf"`;

/** Takes settings out of a postgresql.auto.conf whose server does not run, and appends stdin. */
export const EDIT_AUTO = String.raw`set -e
${FLUSH_FILE}
f=$1; shift
[ -f "$f" ] || : >"$f"
n=$f.pgrepl-tmp
cp -p -- "$f" "$n"
e=
for name in "$@"; do e="$e${'$'}{e:+|}$name"; done
grep -Eiv "^[[:space:]]*($e)[[:space:]]*(=|[[:space:]])" "$f" >"$n" || [ $? -eq 1 ]
if [ -s "$n" ] && [ -n "$(tail -c 1 -- "$n")" ]; then echo >>"$n"; fi
cat >>"$n"
flush "$n"
mv -f -- "$n" "$f"`;

/**
 * pg_ctl looks ten times a second whether the server is ready; this looks more often at what it looks at: the eighth
 * line of a new postmaster.pid (wait_for_postmaster_start in pg_ctl.c). pg_ctl says only that it failed; why is in
 * the log that the server began with.
 */
export const START = String.raw`cd "$1" || exit 1
l=$2; shift 2
state() { pid= is=; { read -r pid; for _ in 1 2 3 4 5 6; do read -r _; done; read -r is; } <postmaster.pid; } 2>/dev/null
ready() {
  state
  case $is in ready* | standby*) [ "$pid" != "$old" ] && kill -0 "$pid" 2>/dev/null ;; *) false ;; esac
}
state
old=$pid
"$@" &
c=$!
(
  n=0
  until ready; do
    n=$((n + 1))
    if [ "$n" -gt 100 ]; then sleep 0.5 || sleep 1; else sleep 0.02 || sleep 1; fi
  done
  kill "$c"
) </dev/null >/dev/null 2>&1 &
p=$!
wait "$c" 2>/dev/null
r=$?
kill "$p" 2>/dev/null
[ "$r" != 0 ] || exit 0
ready && exit 0
tail -n 5 -- "$l" >&2 2>/dev/null
exit "$r"`;

/**
 * A physical slot by the replication protocol, which holds WAL from now on where the second parameter is RESERVE_WAL,
 * and else from its first use. It prints `made`, or `there` for one that was there already: an
 * undo takes away what was made alone. Errors are known by their SQLSTATE, whatever language the server speaks.
 */
export const MAKE_SLOT = String.raw`IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1 how=$2; shift 2
out=$(printf 'CREATE_REPLICATION_SLOT "%s" PHYSICAL %s;\n' "$slot" "$how" | "$@" -v VERBOSITY=verbose 2>&1) && { echo made; exit 0; }
case $out in *' 42710: '*) echo there; exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1`;

/** Drops a slot if the second parameter is `made`. It waits while a connection that just died still holds it. */
export const DROP_SLOT = String.raw`IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1 how=$2; shift 2
[ "$how" = made ] || exit 0
out=$(printf 'DROP_REPLICATION_SLOT "%s" WAIT;\n' "$slot" | "$@" -v VERBOSITY=verbose 2>&1) && exit 0
case $out in *' 42704: '*) exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1`;

/** For the doctor: mode and owner of a password file, and whether a unit or a Debian cluster starts with its host. */
export const HOST_FACTS = String.raw`
if [ -n "$1" ]; then stat -c '%a %U' -- "$1" 2>/dev/null || echo missing; else echo; fi
if [ -n "$2" ]; then systemctl is-enabled -- "$2" 2>/dev/null | head -n 1; fi
if [ -n "$3" ]; then sed -n 's/#.*//; s/[[:space:]]//g; /./p' "$3" 2>/dev/null | head -n 1; fi
exit 0`;

export function script(literal: string, name: string, ...parameters: readonly string[]): readonly string[] {
  return ['sh', '-c', literal, name, ...parameters];
}
