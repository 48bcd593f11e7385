import { FLUSH_FILE } from './flush.ts';

/**
 * stdin into a file, whole or not at all: new file, fsync, rename. Keeps owner, mode and link of one that is there. One
 * that is there and the same is left as it is, and nobody waits for the disk.
 */
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
  if [ -f "$p" ] && cmp -s -- "$n" "$p" && { [ "$2" = keep ] || [ -n "$(find "$p" -prune -perm "$2")" ]; }; then rm -f -- "$n"; exit 0; fi
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
    kill -0 "$c" || exit 1
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

/** For the doctor: mode and owner of a password file, and whether a unit or a Debian cluster starts with its host. */
export const HOST_FACTS = String.raw`
if [ -n "$1" ]; then stat -c '%a %U' -- "$1" 2>/dev/null || echo missing; else echo; fi
if [ -n "$2" ]; then systemctl is-enabled -- "$2" 2>/dev/null | head -n 1; fi
if [ -n "$3" ]; then sed -n 's/#.*//; s/[[:space:]]//g; /./p' "$3" 2>/dev/null | head -n 1; fi
exit 0`;

/**
 * The few literals of shell that steps run as `sh -c LITERAL name "$@"`: what needs more than one system call and
 * must hold whole. Everything that varies comes in as a positional parameter, so that nothing is quoted by hand.
 */
export function script(literal: string, name: string, ...parameters: readonly string[]): readonly string[] {
  return ['sh', '-c', literal, name, ...parameters];
}
