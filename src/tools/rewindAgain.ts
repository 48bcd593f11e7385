import { BRING, OLD_BACK_LITERAL, SAY_STATE, SIZES } from './rewindParts.ts';

/**
 * For another try after a rewind that was cut short, or came to its end at a server that is not followed any more: the
 * node's WAL and its pg_control as they were, if pg_rewind took them. Another source may have branched off earlier, in
 * the segment `at` and at `fork`: what lies beyond that is in no history of it, and stays away.
 *
 * pg_rewind copies the pages that the node's own WAL names, and of files that are on both sides nothing else. What it
 * took whole, or behind the end of a file that was shorter here, may have changes of the first source that the second
 * one never had, and nothing would take them back: so those files are removed, and cut where they ended. Of a tablespace
 * that is new here the link goes alone: pg_rewind makes it where the source has it, which may be here.
 */
export const REWIND_AGAIN = String.raw`set -e
w=$1 real=$2 at=$3 fork=$4
${OLD_BACK_LITERAL}
${SIZES}
${SAY_STATE}
${BRING}
if [ -f "$real/postmaster.pid" ] && kill -0 "$(head -n 1 "$real/postmaster.pid")" 2>/dev/null; then echo "error: a server runs there" >&2; exit 1; fi
# From here on it is neither what it was nor what the last try made of it.
rm -f -- "$w/boot"
[ "$(cat -- "$w/state" 2>/dev/null)" = begun ] || say_state begun
# What was aside, and has come back since.
if [ -f "$w/aside" ]; then
  rm -rf -- "$real/.pgrepl-half" "$w/moved/.pgrepl-half"
  while IFS= read -r f; do
    if [ -e "$w/moved/$f" ] || [ -L "$w/moved/$f" ]; then continue; fi
    if [ -e "$real/$f" ] || [ -L "$real/$f" ]; then bring "$real/$f" "$w/moved"; fi
  done <"$w/aside"
fi
# Still there where pg_rewind died before it wrote.
old_back
if [ -f "$w/fork" ]; then
  printf '%s\n' "$at" "$(cat -- "$w/fork")" | LC_ALL=C sort | head -n 1 >"$w/fork.new"
  mv -- "$w/fork.new" "$w/fork"
fi
if [ -s "$w/parted" ]; then
  read -r timeline _ last <"$w/parted"
  echo "$timeline $fork $last" >"$w/parted.new"
  mv -- "$w/parted.new" "$w/parted"
fi
cd -- "$real"
if [ -s "$w/sizes" ]; then
  sizes >"$w/sizes.now"
  LC_ALL=C awk '
    { size = $1; sub(/^[0-9]+ /, "") }
    NR == FNR { had[$0] = size; next }
    !($0 in had) { print "new", $0; next }
    size + 0 > had[$0] + 0 { print had[$0], $0 }' "$w/sizes" "$w/sizes.now" |
    while read -r size f; do
      if [ "$size" = new ] && [ -L "${'$'}{f%/}" ]; then rm -f -- "${'$'}{f%/}"
      elif [ -d "$f" ]; then :
      elif [ "$size" = new ]; then rm -f -- "$f"; else truncate -s "$size" -- "$f"; fi
    done
fi
# By a copy of its own: what is kept may be a link of the very file, which is written into this time.
for f in "$w"/wal/*; do
  [ -f "$f" ] || continue
  rm -f -- "$real/pg_wal/${'$'}{f##*/}"
  cp -p -- "$f" "$real/pg_wal/"
done
cp -p -- "$w/pg_control" "$real/global/pg_control.pgrepl-tmp"
mv -- "$real/global/pg_control.pgrepl-tmp" "$real/global/pg_control"`;
