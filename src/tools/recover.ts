/**
 * Crash recovery without a client: a standby's files would keep a single-user server from it (xlogrecovery.c). They come
 * back at once, or it would come up as a primary if the machine went down meanwhile and started it.
 */
export const RECOVER = String.raw`set -e
real=$1; shift
cd -- "$real"
for f in standby.signal recovery.signal recovery.conf; do
  [ ! -e "$f" ] || mv -f -- "$f" "$f.pgrepl-tmp"
done
r=0
(cd / && "$@") </dev/null >>pgrepl-start.log 2>&1 || r=$?
for f in standby.signal recovery.signal recovery.conf; do
  [ ! -e "$f.pgrepl-tmp" ] || mv -f -- "$f.pgrepl-tmp" "$f"
done
[ "$r" = 0 ] || { tail -n 5 -- pgrepl-start.log >&2; exit 1; }`;
