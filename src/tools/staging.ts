import { FLUSH_DISK } from './flush.ts';

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
 * Our staging directory: its mark says whose it is and, where it is a copy, for which port. Directories outside it
 * that a copy will fill (tablespaces, WAL) must be empty or not there, and are written down before they are filled.
 */
export const MAKE_STAGING = String.raw`set -e
umask 077
s=$1 port=$2; shift 2
if [ -d "$s" ] && [ ! -f "$s/pgrepl" ]; then echo "error: $s is not ours" >&2; exit 1; fi
for d in "$@"; do
  if [ -d "$d" ] && [ -n "$(ls -A -- "$d" | grep -v '^lost+found$')" ]; then echo "error: directory $d is not empty" >&2; exit 1; fi
done
mkdir -p -- "$s"
for d in "$@"; do printf '%s\n' "$d" >>"$s/outside"; done
printf '%s\n' 'made by pgrepl; a later run removes or completes it' ${'$'}{port:+"port $port"} >"$s/pgrepl"`;

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
 * Pairs of a directory that was there and one below it that was made: this one goes, and those between, as far as
 * they are empty.
 */
export const REMOVE_MADE = String.raw`set -e
while [ "$#" -gt 1 ]; do
  d=$2
  while [ "$d" != "$1" ] && [ -n "$d" ]; do
    if [ -d "$d" ]; then
      [ -z "$(ls -A -- "$d")" ] || break
      rmdir -- "$d"
    fi
    d=${'$'}{d%/*}
  done
  shift 2
done`;

/**
 * The one rename that makes it real: staging/data becomes the data directory, whose place is empty or not there. A
 * mount point cannot be renamed over: there every file is moved, PG_VERSION as the last, and running it again
 * goes on.
 */
export const INSTALL = String.raw`set -e
s=$1 real=$2
if [ ! -d "$s/data" ]; then echo "error: $s/data is not there" >&2; exit 1; fi
${FLUSH_DISK}
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
 * whether it is empty, used, or filled by a copy of ours that was cut short, and the deepest directory that is there.
 */
export const LOOK_OUTSIDE = String.raw`s=$1; shift
for d in "$@"; do
  is=empty
  if [ -f "$s/outside" ] && grep -qxF -- "$d" "$s/outside"; then is=ours
  elif [ -d "$d" ] && [ -n "$(ls -A -- "$d" | grep -v '^lost+found$')" ]; then is=used
  elif [ -e "$d" ] && [ ! -d "$d" ]; then is=used
  fi
  while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done
  printf '%s %s %s %s\n' "$(stat -c %d -- "$d")" "$(df -Pk -- "$d" | awk 'NR == 2 { print $4 }')" "$is" "$d"
done`;
