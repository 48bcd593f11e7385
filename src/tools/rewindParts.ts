/** The state of a rewind has its name when it is on the disk: no word of it is ever half there. */
export const SAY_STATE = String.raw`
say_state() {
  echo "$1" >"$w/state.new" || return 1
  sync "$w/state.new" 2>/dev/null || sync
  mv -- "$w/state.new" "$w/state" || return 1
  sync "$w" 2>/dev/null || sync
}
`;

/** Segments that were moved out of pg_rewind's way; once it writes nobody wants them. */
export const OLD_BACK_LITERAL = String.raw`
old_back() {
  [ ! -d "$w/old" ] || find "$w/old" -type f -exec sh -c 'mv -- "$@" "$0/"' "$real/pg_wal" {} +
}
`;

/**
 * The tablespaces, which end in a slash, and the files of relations with their sizes, from inside the data: all others
 * pg_rewind copies whole (filemap.c).
 */
export const SIZES = String.raw`
sizes() {
  set --
  for d in base global pg_tblspc/*/; do
    [ -d "$d" ] || continue
    set -- "$@" "$d"
    echo "0 $d"
  done
  [ "$#" = 0 ] || find "$@" -type f -name '[0-9]*' -exec stat -c '%s %n' -- {} +
}
`;

/**
 * A move, once for all. Where it is a copy, on another file system or behind another mount of the same one, it is whole
 * under another name before it has its own, and what was copied goes last: whenever that ends, one of the two is whole.
 */
export const BRING = String.raw`
far=
if ln -- "$real/global/pg_control" "$w/probe" 2>/dev/null; then rm -f -- "$w/probe"; else far=yes; fi
bring() {
  if [ -z "$far" ]; then mv -- "$1" "$2/"; return; fi
  rm -rf -- "$2/.pgrepl-half" "${'$'}{1%/*}/.pgrepl-half"
  cp -a -- "$1" "$2/.pgrepl-half"
  mv -- "$2/.pgrepl-half" "$2/${'$'}{1##*/}"
  mv -- "$1" "${'$'}{1%/*}/.pgrepl-half"
  rm -rf -- "${'$'}{1%/*}/.pgrepl-half"
}
`;

/** What was moved aside, back in its place. */
export const MOVED_BACK = String.raw`
${BRING}
moved_back() {
  rm -rf -- "$real/.pgrepl-half" "$w/moved/.pgrepl-half"
  for f in "$w"/moved/* "$w"/moved/.[!.]*; do
    [ -e "$f" ] || [ -L "$f" ] || continue
    rm -rf -- "$real/${'$'}{f##*/}"
    bring "$f" "$real"
  done
}
`;
