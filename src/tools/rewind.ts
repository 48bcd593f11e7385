import { FLUSH_DISK } from './flush.ts';
import { BRING, MOVED_BACK, OLD_BACK_LITERAL, SAY_STATE, SIZES } from './rewindParts.ts';

/**
 * The literals of shell that a rewind is made of. What is kept for it lies in a working directory beside the data,
 * since pg_rewind removes from the target whatever the source has not (filemap.c). Its file `state` tells a killed
 * rewind: `begun`, `done`, or `stuck` where doing it again cannot help. One rename makes it what is kept.
 */

/** Top-level names that are PostgreSQL's own, and those that say what a data directory is: never kept, never put back. */
const PG_OWN =
  'PG_VERSION|base|global|pg_commit_ts|pg_dynshmem|pg_logical|pg_multixact|pg_notify|pg_replslot|pg_serial|pg_snapshots|pg_stat|pg_stat_tmp|pg_subtrans|pg_tblspc|pg_twophase|pg_wal|pg_xact|pg_internal.init|postmaster.*|backup_*|tablespace_map*|standby.signal|recovery.*|current_logfiles*|*.pgrepl-tmp';

/** All that a data directory holds, also where it is elsewhere. */
const FLUSH_DATA = String.raw`
${FLUSH_DISK}
flush_data() {
  set -- "$real"
  for f in "$real/pg_wal" "$real"/pg_tblspc/*; do [ ! -L "$f" ] || set -- "$@" "$f"; done
  flush "$@"
}
`;

const OWN_BACK = String.raw`
own_back() {
  set --
  for f in "$w"/own/* "$w"/own/.[!.]*; do
    if [ -e "$f" ] || [ -L "$f" ]; then set -- "$@" "$f"; fi
  done
  # What is a directory on one side and none on the other must go first.
  for f in "$@"; do
    if [ -d "$f" ] || [ -d "$real/${'$'}{f##*/}" ] || [ -L "$real/${'$'}{f##*/}" ]; then rm -rf -- "$real/${'$'}{f##*/}"; fi
  done
  [ "$#" = 0 ] || cp -a --remove-destination -- "$@" "$real/" 2>/dev/null || cp -a -- "$@" "$real/"
}
`;

/**
 * What pg_rewind would overwrite or remove: the node's own files (copied, or moved where they are large, and server
 * logs always), pg_control, and the segments of WAL that are about to be lost. With them go those before the fork that
 * a rewind which is killed and done again reads: back to the last checkpoint before it (pg_rewind.c,
 * findLastCheckpoint), which pg_waldump finds in the segments from `oldest` to `at`, that of the fork, which is read
 * first. pg_rewind removes a segment that the source has not, and writes into one that it has (filemap.c): of the first
 * a second link is enough. `theirs` is what the source has of each timeline, as `FIRST-LAST`. The server will begin where that
 * checkpoint does, at its redo, which may be segments before its record: those of them that the source has not come
 * back when pg_rewind has removed them. What lies before that, and before the node's own last checkpoint, which pg_rewind
 * reads too (readOneRecord), nobody reads: pg_rewind would remove it file by file while it is waited for, so it is moved
 * out of its way. Noted for another try are the segment that holds the fork, in `parted` the timeline, the fork and the
 * end of what is lost, and the sizes of the files of relations.
 */
export const KEEP = String.raw`set -e
umask 077
w=$1 real=$2 log=$3 timeline=$4 last=$5 fork=$6 theirs=$7 waldump=$8 at=$9; shift 9
oldest=$1 parted=$2
${OLD_BACK_LITERAL}
${SIZES}
# One that was killed before it said whose that is.
rmdir -- "$w" 2>/dev/null || true
if [ -e "$w" ]; then
  if [ ! -O "$w" ] || [ ! -f "$w/pgrepl" ]; then echo "error: $w is not ours" >&2; exit 1; fi
  # A directory that has since been put in place of the one it was kept for gets nothing of it.
  if [ "$(cat -- "$w/inode" 2>/dev/null)" = "$(stat -c %i -- "$real")" ]; then
    # Its own files are still where they were, and what was copied of them may be half of it.
    ${MOVED_BACK}
    moved_back; old_back; rm -rf -- "$w"
  else mv -- "$w" "$w.$(date +%s)"; fi
fi
mkdir -- "$w"
echo "made by pgrepl: what is kept while a data directory is rewound" >"$w/pgrepl"
mkdir -- "$w/own" "$w/moved" "$w/wal"
stat -c %i -- "$real" >"$w/inode"
# Nothing is moved before it is known, also after the machine went down, where it comes from.
sync "$w/pgrepl" "$w/inode" "$w" 2>/dev/null || sync
${BRING}
echo "$at" >"$w/fork"
echo "$parted" >"$w/parted"
cd "$real"
sizes >"$w/sizes"
set --
for f in * .[!.]*; do
  [ -e "$f" ] || [ -L "$f" ] || continue
  case $f in ${PG_OWN}) continue ;; esac
  if [ "$f" = "$log" ] || [ "${'$'}{f#.pgrepl-}" != "$f" ]; then bring "$real/$f" "$w/moved"; else set -- "$@" "$f"; fi
done
[ "$#" = 0 ] || du -sk -- "$@" | while read -r k f; do
  # A name with a newline comes in two: it is none that is there, and is copied.
  if [ -e "$f" ] && [ "$k" -gt 65536 ]; then bring "$real/$f" "$w/moved"; fi
done
for f in "$@"; do
  shift
  if [ -e "$f" ] || [ -L "$f" ]; then set -- "$@" "$f"; fi
done
[ "$#" = 0 ] || cp -a -- "$@" "$w/own/"
ls -A -- "$w/moved" >"$w/aside"
cp -p -- global/pg_control "$w/pg_control"
cd pg_wal
first= redo= low= n=0
for f in $(ls | LC_ALL=C awk -v at="$at" -v oldest="$oldest" 'length($0) == 24 && $0 >= (oldest "") && $0 <= (at "") { print }' | LC_ALL=C sort -r); do
  [ -f "$f" ] && [ -x "$waldump" ] || continue
  n=$((n + 1)) end=
  # Where none is found, some are kept all the same.
  [ "$n" -gt 5 ] || first=$f
  [ "$f" != "$at" ] || end=$fork
  # CHECKPOINT_REDO, which 17 has, is where one began, and says no "redo".
  redo=$("$waldump" -r XLOG ${'$'}{end:+-e "$end"} -- "$f" "$f" 2>/dev/null |
    sed -n 's|.*desc: CHECKPOINT_[A-Z]* redo \([0-9A-F]*/[0-9A-F]*\);.*|\1|p' | tail -n 1)
  if [ -n "$redo" ]; then first=$f; break; fi
done
[ -n "$first" ] || first=$oldest
own=$(LC_ALL=C "${'$'}{waldump%pg_waldump}pg_controldata" -D "$real" 2>/dev/null | sed -n "s/^Latest checkpoint's REDO WAL file: *[0-9A-F]\{8\}//p") || own=
if [ -n "$redo" ] && [ -n "$own" ]; then
  size=$(stat -c %s -- "$first")
  low=$(printf '%08X%08X\n%s\n' "0x${'$'}{redo%/*}" $((0x${'$'}{redo#*/} / size)) "$own" | LC_ALL=C sort | head -n 1)
fi
ls | LC_ALL=C awk -v t="$timeline" -v first="${'$'}{first#????????}" -v low="$low" -v last="$last" -v theirs="$theirs" '
  BEGIN { n = split(theirs, range, " "); if (low == "") low = first }
  function how(i, ends) {
    for (i = 1; i <= n; i++) { split(range[i], ends, "-"); if ($0 >= (ends[1] "") && $0 <= (ends[2] "")) return "cp" }
    return "ln"
  }
  /^[0-9A-F]+$/ && length($0) == 24 && substr($0, 1, 8) >= (t "") && (last == "" || substr($0, 9) <= (last "")) {
    if (substr($0, 9) >= (first "") || (substr($0, 9) >= (low "") && how() == "ln")) print how(), $0
  }
  /^[0-9A-F]+\.history$/ { print "cp", $0 }' | while read -r how f; do
  [ "$how" = ln ] && ln -- "$f" "$w/wal/" 2>/dev/null || cp -p -- "$f" "$w/wal/"
done
# Where there can be no link, a move is a copy: on another file system, or behind another mount of the same one.
if [ -n "$low" ] && ln -- "$first" "$w/probe" 2>/dev/null; then
  rm -f -- "$w/probe"
  mkdir -- "$w/old"
  ls | LC_ALL=C awk -v t="$timeline" -v low="$low" '
    /^[0-9A-F]+$/ && length($0) == 24 && substr($0, 1, 8) <= (t "") && substr($0, 9) < (low "") { print }' |
    xargs sh -c '[ "$#" = 0 ] || mv -- "$@" "$0/"' "$w/old"
fi`;

/** Undoes KEEP, unless pg_rewind has begun to write: then there is no way back, and saying so is all that is left. */
export const UNKEEP = String.raw`set -e
w=$1 real=$2
${OLD_BACK_LITERAL}
${FLUSH_DATA}
[ -d "$w" ] || exit 0
# What was kept for a directory that was here before is none of this one's.
if [ -f "$w/inode" ] && [ "$(cat -- "$w/inode")" != "$(stat -c %i -- "$real")" ]; then exit 0; fi
if [ -f "$w/state" ]; then echo "pg_rewind had begun to write: there is no way back, and running it again does it again" >&2; exit 1; fi
${MOVED_BACK}
moved_back
old_back
# A recovery before this had no fsync, and says that it ended well.
flush_data
rm -rf -- "$w"`;

/**
 * pg_rewind, which is not stopped by our end: a half-rewound directory is worth nothing. It holds a lock of its
 * own until it ends. It says "need to copy" before it writes its first byte (pg_rewind.c); a failure before that
 * leaves everything as it was. From then on nobody wants the segments that were moved away: they are removed beside it.
 * A second try that fails before that may be tried again, unless it is for want of WAL.
 */
export const REWIND = String.raw`w=$1 real=$2 signal=$3 source=$4; shift 4
export LC_ALL=C
trap '' HUP INT TERM PIPE
exec 8>>"$w/lock"
flock -n 8 || { echo "error: a pg_rewind of an earlier run still works on $real" >&2; exit 1; }
again=
[ -f "$w/state" ] && again=yes
${FLUSH_DATA}
${SAY_STATE}
echo "$source" >"$w/source"
# What is kept is on the disk before anything says that it may be put back over what is there.
flush "$w"
cat /proc/sys/kernel/random/boot_id >"$w/boot" 2>/dev/null
say_state begun || { echo "error: $w/state cannot be written, and nothing would tell of a rewind" >&2; exit 1; }
said=$w/said
rm -f -- "$said"
mkfifo -- "$said" || said=/dev/null
while IFS= read -r line; do
  case $line in *'need to copy'*) { mv -- "$w/old" "$w/gone"; rm -rf -- "$w/gone"; } </dev/null >/dev/null 2>&1 & ;; esac
done 8>&- <"$said" &
{ "$@" 2>&1; r=$?; { echo "$r" >"$w/status"; } 2>/dev/null; } | tee -- "$w/rewind.log" "$said" >&2
r=$(cat -- "$w/status")
if [ "$r" = 0 ]; then
  if [ "$signal" = standby.signal ]; then : >"$real/$signal"; else echo "standby_mode = 'on'" >"$real/$signal"; fi
  # pg_rewind has synced nothing: one syncfs for each file system is quicker than an fsync for each file.
  flush_data
  say_state done
  exit 0
fi
# Where the disk was full not even that it began may have been noted.
if [ -z "$r" ] || grep -q 'need to copy' "$w/rewind.log"; then r=${'$'}{r:-1}
elif [ -z "$again" ]; then rm -f -- "$w/state"
elif grep -q -e 'could not .*WAL record' -e 'could not open file.*pg_wal' "$w/rewind.log"; then say_state stuck; fi
exit "$r"`;

/**
 * The node's own files in place of those that came from the source. Slots are the source's before 11, and of a past
 * life in any case. WAL from before the fork that pg_rewind removed is where the server begins. Where pg_rewind found
 * nothing to rewind, what goes beyond the fork was received and never replayed: it would be now.
 */
export const OWN_AGAIN = String.raw`set -e
w=$1 real=$2 log=$3 signal=$4
${OWN_BACK}
${MOVED_BACK}
${OLD_BACK_LITERAL}
[ -d "$w/own" ] || { echo "error: $w/own is not there, and with it the configuration of the node" >&2; exit 1; }
cd "$real"
# pg_rewind may have come to its end without us.
[ "$signal" != standby.signal ] || [ -e "$signal" ] || : >"$signal"
[ -z "$log" ] || [ ! -e "$w/moved/$log" ] || rm -rf -- "$log"
for f in postgresql.conf pg_hba.conf pg_ident.conf pgrepl.conf pgrepl.pgpass pgrepl-start.log postmaster.opts recovery.done current_logfiles; do
  [ -e "$w/own/$f" ] || rm -f -- "$f"
done
find pg_replslot -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +
own_back
moved_back
fork=$(cat -- "$w/fork" 2>/dev/null) || fork=
[ -n "$fork" ] || exit 0
if grep -q 'servers diverged' "$w/rewind.log" 2>/dev/null && grep -q 'no rewind required' "$w/rewind.log"; then
  old_back
  ls pg_wal | LC_ALL=C awk -v fork="$fork" 'length($0) == 24 && substr($0, 1, 8) == (substr(fork, 1, 8) "") && $0 >= (fork "") { print }' |
    while read -r f; do rm -f -- "pg_wal/$f"; done
fi
ls "$w/wal" | LC_ALL=C awk -v fork="$fork" '/^[0-9A-F]+$/ && $0 < (fork "") { print }' | while read -r f; do
  [ ! -e "pg_wal/$f" ] || continue
  ln -- "$w/wal/$f" pg_wal/ 2>/dev/null && continue
  cp -p -- "$w/wal/$f" "pg_wal/$f.pgrepl-tmp"
  mv -- "pg_wal/$f.pgrepl-tmp" "pg_wal/$f"
done`;

/**
 * The rewind is over: one rename, and nothing tells of it any more. All that was put back is on the disk before that, and
 * only after it goes what it was put back from. A segment of before the fork is not lost where the node has it again, and
 * the server will write into it. pg_rewind may leave others where they are; of those that are kept is made a file of its
 * own. Then what is kept has its name, which may be on another file system.
 */
export const REWOUND = String.raw`set -e
w=$1 kept=$2 real=$3
[ -d "$w" ] || exit 0
${FLUSH_DATA}
fork=$(cat -- "$w/fork" 2>/dev/null) || fork=
find "$w/wal" -type f -links +1 | while IFS= read -r f; do
  if [ -n "$fork" ] && LC_ALL=C expr "x${'$'}{f##*/}" '<' "x$fork" >/dev/null; then rm -f -- "$f"; continue; fi
  cp -p -- "$f" "$f.own"
  mv -f -- "$f.own" "$f"
done
flush "$w"
flush_data
over=$w-${'$'}{kept##*-}
mv -- "$w" "$over"
cd -- "$over"
rm -rf -- own moved old gone said status lock
rm -f -- state inode fork source parted sizes sizes.now aside boot
cd /
mv -- "$over" "$kept"`;
