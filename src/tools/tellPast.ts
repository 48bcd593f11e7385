/**
 * What a server had, told to who plans: an earlier rewind and what was kept for it, the last whole record, the history of
 * its timeline, the first segment that it still has; and `short` where its WAL does not go to `needed`, from which on its
 * data are consistent: the last whole record begins before that, and ends there too.
 */
export const TELL_PAST = String.raw`
real=$1 w=$2 history=$3 waldump=$4 timeline=$5 redo=$6 needed=$7 kept=
export LC_ALL=C
if [ -f "$w/state" ] && [ "$(cat -- "$w/inode")" = "$(stat -c %i -- "$real")" ]; then
  echo "rewinding $(cat -- "$w/state")"
  [ ! -f "$w/parted" ] || { read -r kept rest <"$w/parted"; echo "kept $kept $rest"; }
  [ ! -f "$w/source" ] || echo "source $(cat -- "$w/source")"
  # What was written and not synced is there until the machine goes down.
  [ -s "$w/boot" ] && cmp -s -- "$w/boot" /proc/sys/kernel/random/boot_id && echo "boot same"
fi
if [ -f "$w/lock" ] && ! flock -n "$w/lock" true; then echo busy yes; fi
ls -- "$real/pg_wal" | LC_ALL=C awk 'length($0) == 24 && /^[0-9A-F]+$/ { print "oldest", substr($0, 9) }' | LC_ALL=C sort | head -n 1
if [ -n "$redo" ] && [ -x "$waldump" ]; then
  # Named files, and no directory: of one it takes any file's word for the size of all, and may meet a new, empty one.
  cd -- "$real/pg_wal" || exit 1
  t=$(printf %08X "$timeline") last=
  for f in "$t"????????????????; do [ -f "$f" ] && last=$f; done
  size=$(stat -c %s -- "$last" 2>/dev/null) || size=
  if [ -z "$size" ]; then
    [ -z "$needed" ] || echo "short $needed"
  else
    holding() { printf '%s%08X%08X' "$t" "0x${'$'}{1%/*}" $((0x${'$'}{1#*/} / size)); }
    number() { echo $((0x${'$'}{1%/*} * 0x100000000 + 0x${'$'}{1#*/})); }
    first=$(holding "$redo") end=
    if said=$("$waldump" -z -s "$redo" -- "$first" "$last" 2>&1 >/dev/null); then
      s=${'$'}{last#????????}; hi=$((0x${'$'}{s%????????})) lo=$(((0x${'$'}{s#????????} + 1) * size))
      end=$(printf '%X/%X' $((hi + lo / 0x100000000)) $((lo % 0x100000000)))
      echo "end $end"
      record=
    else
      record=$(printf '%s\n' "$said" | sed -n 's/.*error in WAL record at \([0-9A-F]*\/[0-9A-F]*\):.*/\1/p')
      [ -z "$record" ] || echo "record $record"
    fi
    if [ -z "$needed" ]; then :
    elif [ -n "$end" ]; then [ "$(number "$end")" -ge "$(number "$needed")" ] || echo "short $needed"
    elif [ -z "$record" ]; then echo "short $needed"
    elif [ "$(number "$record")" -lt "$(number "$needed")" ]; then
      "$waldump" -z -s "$record" -e "$needed" -- "$(holding "$record")" "$last" >/dev/null 2>&1 || echo "short $needed"
    fi
  fi
fi
echo history
[ -f "$real/pg_wal/$history" ] && cat -- "$real/pg_wal/$history"
[ -n "$kept" ] || exit 0
echo 'kept history'
history=$w/wal/$(printf %08X "$kept").history
[ ! -f "$history" ] || cat -- "$history"
printf '\nkept settings\n'
[ ! -f "$w/own/postgresql.auto.conf" ] || cat -- "$w/own/postgresql.auto.conf"
exit 0`;
