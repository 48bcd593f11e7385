/**
 * The few literals of shell that steps run as `sh -c LITERAL name "$@"`: what needs more than one system call and
 * must hold whole. Everything that varies comes in as a positional parameter, so that nothing is quoted by hand.
 */

/** stdin into a file, whole or not at all: new file, fsync, rename. Keeps owner, mode and link of one that is there. */
export const WRITE = String.raw`set -e
umask 077
p=$(readlink -f -- "$1" 2>/dev/null) || p=$1
d=$(dirname -- "$p")
mkdir -p -- "$d"
if [ -w "$d" ]; then
  n=$p.pgrepl-tmp
  rm -f -- "$n"
  if [ -e "$p" ]; then cp -p -- "$p" "$n"; fi
  cat >"$n"
  if [ "$2" != keep ] || [ ! -e "$p" ]; then m=$2; [ "$m" != keep ] || m=0600; chmod "$m" "$n"; fi
  sync "$n" 2>/dev/null || sync
  mv -f -- "$n" "$p"
  sync "$d" 2>/dev/null || true
else
  cat >"$p"
fi`;

/** The first line of stdin is the password: it reaches libpq by the environment of one process, and no argv. */
export const WITH_PASSWORD = `IFS= read -r PGPASSWORD; export PGPASSWORD; exec "$@"`;

/** SQL after the password, for psql over a replication connection. */
export const ASK_WITH_PASSWORD = WITH_PASSWORD;

/**
 * A program on a leash: when our stdin ends because we are gone, so does the program. The first line of stdin
 * says how many bytes are the program's own.
 */
export const LEASH = String.raw`IFS= read -r n
c=$(head -c "$n"; printf .)
c=${'$'}{c%.}
exec 3<&0
printf %s "$c" | "$@" 3<&- &
p=$!
(cat <&3 >/dev/null; kill "$p") >/dev/null 2>&1 &
w=$!
exec 3<&-
wait "$p"
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
if [ -d "$s" ] && [ ! -f "$s/pgrepl" ]; then echo "$s is not ours" >&2; exit 1; fi
for d in "$@"; do
  if [ -d "$d" ] && [ -n "$(ls -A -- "$d" | grep -v '^lost+found$')" ]; then echo "directory $d is not empty: error" >&2; exit 1; fi
done
mkdir -p -- "$s"
for d in "$@"; do printf '%s\n' "$d" >>"$s/outside"; done
echo "made by pgrepl; a later run removes or completes it" >"$s/pgrepl"`;

/**
 * Removes a staging directory, and refuses one without our mark. What the dead copy put outside it goes too,
 * unless a file there is younger than the copy's own last sign of life: then somebody uses it since.
 */
export const REMOVE_STAGING = String.raw`set -e
s=$1
[ -e "$s" ] || exit 0
[ -f "$s/pgrepl" ] || { echo "$s is not ours" >&2; exit 1; }
if [ -f "$s/outside" ]; then
  last=$(find "$s" -type f -printf '%T@\n' | sort -n | tail -n 1 | sed 's/\..*//')
  while IFS= read -r d; do
    [ -d "$d" ] || continue
    if [ -n "$(find "$d" -type f -newermt "@$((last + 5))" -print -quit)" ]; then
      echo "error: $d was used after the copy that began it died; look at it, and empty it if nobody needs it" >&2; exit 1
    fi
    find "$d" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf -- {} +
  done <"$s/outside"
fi
rm -rf -- "$s/data"
rm -rf -- "$s"`;

/** The one rename that makes it real: staging/data becomes the data directory, whose place is empty or not there. */
export const INSTALL = String.raw`set -e
s=$1 real=$2
if [ ! -d "$s/data" ]; then echo "$s/data is not there" >&2; exit 1; fi
sync -f "$s/data" 2>/dev/null || sync
case $s in
  "$real"/*)
    echo complete >"$s/complete"
    cd "$s/data"
    for f in .[!.]* *; do
      [ -e "$f" ] || [ -L "$f" ] || continue
      [ "$f" = PG_VERSION ] || mv -- "$f" "$real/"
    done
    mv -- PG_VERSION "$real/"
    cd /
    chmod 700 "$real" ;;
  *)
    if [ -d "$real" ]; then rmdir -- "$real"; fi
    mv -T -- "$s/data" "$real" 2>/dev/null || mv -- "$s/data" "$real" ;;
esac
rm -rf -- "$s"
sync "$(dirname -- "$real")" 2>/dev/null || true`;

/** Moves a data directory aside; nothing of it is removed. */
export const MOVE_ASIDE = String.raw`set -e
if [ "$3" = inside ]; then
  umask 077
  mkdir -- "$2"
  cd "$1"
  for f in .[!.]* *; do
    [ -e "$f" ] || [ -L "$f" ] || continue
    case $f in .pgrepl-*) ;; *) mv -- "$f" "$2/" ;; esac
  done
else mv -- "$1" "$2"; fi`;

/** Our include line at the end of somebody's postgresql.conf, once; everything before it stays byte for byte. */
export const ADD_INCLUDE = String.raw`set -e
[ -f "$1" ] || exit 0
grep -q "^include_if_exists = '$2'" "$1" && exit 0
n=$1.pgrepl-tmp
cp -p -- "$1" "$n"
if [ -s "$n" ] && [ -n "$(tail -c 1 -- "$n")" ]; then echo >>"$n"; fi
printf "include_if_exists = '%s'  # pgrepl: keep this line last\n" "$2" >>"$n"
sync "$n" 2>/dev/null || true
mv -f -- "$n" "$1"`;

/** A data directory that was copied from a server whose configuration lives elsewhere has none: the least it needs. */
export const LEAST_CONFIG = String.raw`set -e
umask 077
[ -f "$1/postgresql.conf" ] || echo "# made by pgrepl: the upstream keeps its configuration outside its data directory" >"$1/postgresql.conf"
[ -f "$1/pg_ident.conf" ] || : >"$1/pg_ident.conf"
[ -f "$1/pg_hba.conf" ] || printf '%s\n' "# made by pgrepl" "local all all peer" "host all all 127.0.0.1/32 scram-sha-256" "host all all ::1/128 scram-sha-256" >"$1/pg_hba.conf"`;

/** Takes settings out of a postgresql.auto.conf whose server does not run, and appends stdin. */
export const EDIT_AUTO = String.raw`set -e
f=$1; shift
[ -f "$f" ] || : >"$f"
n=$f.pgrepl-tmp
cp -p -- "$f" "$n"
e=
for name in "$@"; do e="$e${'$'}{e:+|}$name"; done
grep -Eiv "^[[:space:]]*($e)[[:space:]]*(=|[[:space:]])" "$f" >"$n" || [ $? -eq 1 ]
if [ -s "$n" ] && [ -n "$(tail -c 1 -- "$n")" ]; then echo >>"$n"; fi
cat >>"$n"
sync "$n" 2>/dev/null || true
mv -f -- "$n" "$f"`;

/** pg_ctl says only that it failed; why is in the log that the server began with. */
export const START = String.raw`l=$1; shift
mkdir -p -- "$(dirname -- "$l")"
"$@" && exit 0
r=$?
tail -n 5 -- "$l" >&2 2>/dev/null
exit "$r"`;

/** A physical slot by the replication protocol; one that is there already is as good. */
export const MAKE_SLOT = String.raw`IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1; shift
out=$(printf 'CREATE_REPLICATION_SLOT "%s" PHYSICAL RESERVE_WAL;
' "$slot" | "$@" 2>&1) && exit 0
case $out in *'already exists'*) exit 0 ;; esac
printf '%s
' "$out" >&2
exit 1`;

export const DROP_SLOT = String.raw`IFS= read -r PGPASSWORD
[ -z "$PGPASSWORD" ] && unset PGPASSWORD || export PGPASSWORD
slot=$1; shift
out=$(printf 'DROP_REPLICATION_SLOT "%s";
' "$slot" | "$@" 2>&1) && exit 0
case $out in *'does not exist'*) exit 0 ;; esac
printf '%s
' "$out" >&2
exit 1`;

export function script(literal: string, name: string, ...parameters: readonly string[]): readonly string[] {
  return ['sh', '-c', literal, name, ...parameters];
}
