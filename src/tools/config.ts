import { FLUSH_FILE } from './flush.ts';

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

/** The least configuration that a server needs, for a copy of one whose own lies outside its data directory. */
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
