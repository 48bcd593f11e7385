/**
 * Shows what the file $1 includes; and unless $2 says that the server has told its settings, what is included there in
 * turn, as deep as PostgreSQL goes (CONF_FILE_MAX_DEPTH in conffiles.h). An awk a level: of what it finds, guc-file.l
 * would not take everything, and who reads the files knows (render/conf-line.ts).
 */
export const INCLUDED = String.raw`
includes() {
  awk '{
    line = $0; sub(/^[ \t\r]+/, "", line); name = tolower(line)
    if (name !~ /^include(_if_exists|_dir)?[ \t\r=\047]/) next
    sub(/^[A-Za-z_]+[ \t\r]*=?[ \t\r]*/, "", line)
    path = ""
    if (match(line, /^\047([^\047\\]|\\.|\047\047)*\047/)) {
      rest = substr(line, 2, RLENGTH - 2); gsub(/\047\047/, "\047", rest)
      while ((at = index(rest, "\\")) > 0) { path = path substr(rest, 1, at - 1) substr(rest, at + 1, 1); rest = substr(rest, at + 2) }
      path = path rest
    } else if (match(line, /^[^ \t\r#]+/)) path = substr(line, 1, RLENGTH)
    from = FILENAME; sub(/[^\/]*$/, "", from)
    if (path != "") print (name ~ /^include_dir/ ? "d" : "f") (path ~ /^\// ? path : from path)
  }' "$@"
}
included() {
  told=$2 known=$nl${'$'}{1%/*}/pgrepl.conf$nl deep=0
  if [ -r "$1" ]; then set -- "$1"; else set --; fi
  while [ $# -gt 0 ] && [ "$deep" -lt 10 ]; do
    found=$(includes "$@")
    set --
    while IFS= read -r f; do
      case $f in d*) f=${'$'}{f#d}; while [ "${'$'}{f%/}" != "$f" ]; do f=${'$'}{f%/}; done; set -- "$@" "$f"/*.conf ;; f*) set -- "$@" "${'$'}{f#f}" ;; esac
    done <<FOUND
$found
FOUND
    for f in "$@"; do
      shift
      case $known in *"$nl$f$nl"*) continue ;; esac
      known=$known$f$nl
      show included "$f"; [ -f "$f" ] && [ -r "$f" ] && set -- "$@" "$f"
    done
    [ -z "$told" ] || break
    deep=$((deep + 1))
  done
}
`;
