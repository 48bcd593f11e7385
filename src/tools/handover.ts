/** Shell scripts that stop a primary and bring it back. They go by what postmaster.pid and pg_control say. */

/** Line 8 of postmaster.pid is the postmaster's state, written before it acts on it (miscinit.c, pidfile.h). */
const POSTMASTER = String.raw`
alive() { IFS= read -r p 2>/dev/null <"$d/postmaster.pid" && [ -n "$p" ] && kill -0 "$p" 2>/dev/null; }
serves() {
  n=0
  while IFS= read -r l; do
    n=$((n + 1))
    [ "$n" -lt 8 ] || case $l in ready*|standby*) return 0 ;; *) return 1 ;; esac
  done 2>/dev/null <"$d/postmaster.pid"
  return 1
}
`;

/**
 * A fast stop up to its shutdown checkpoint, whose position is printed. Its processes may live on: a walsender that
 * sends the last of it, an archive_command. Nothing is written after it (ShutdownXLOG, xlog.c). It is told and seen in
 * one command, so that whoever comes after it never takes a server that was told to stop for one that serves. In
 * pg_control the state is at 16, where 1 is "shut down", and the checkpoint's position at 32 (pg_control.h, 10 to 18);
 * pg_controldata is asked where od cannot tell.
 */
export const STOP_SOON = String.raw`export LC_ALL=C
d=$1 control=$2; end=$(($(date +%s) + $3)); shift 3
${POSTMASTER}
"$@" || exit
n=0
while :; do
  gone=
  alive || gone=yes
  s=$(od -An -tu4 -j16 -N4 "$d/global/pg_control" 2>/dev/null) || s=1
  if [ "${'$'}{s##* }" = 1 ]; then
    at=$(od -An -tx8 -j32 -N8 "$d/global/pg_control" 2>/dev/null)
    at=${'$'}{at##* }
    case $at in ????????????????) printf '%s/%s\n' "${'$'}{at%????????}" "${'$'}{at#????????}"; exit 0 ;; esac
    out=$("$control" -D "$d" 2>/dev/null)
    case $out in
      *'cluster state:'*' shut down'*) printf '%s\n' "$out" | sed -n 's/^Latest checkpoint location: *//p'; exit 0 ;;
    esac
  fi
  if [ -n "$gone" ]; then echo "error: it ended without a shutdown checkpoint" >&2; exit 1; fi
  n=$((n + 1))
  if [ $((n % 50)) -eq 0 ] && [ "$(date +%s)" -ge "$end" ]; then
    echo "error: it does not come to its end (a session, a walsender or its checkpoint holds it)" >&2
    exit 1
  fi
  sleep 0.002
done`;

/**
 * Waits until a server that was told to stop has stopped; one that does not come to its end in time is stopped at
 * once, which loses nothing: after its shutdown checkpoint there is nothing to lose, before it the WAL recovers it. A
 * server that runs and was told nothing is left alone.
 */
const UNTIL_STOPPED = String.raw`d=$1 most=$2 ctl=$3 log=$4; shift 4
${POSTMASTER}
end=$(($(date +%s) + most))
while alive; do
  if serves; then exit 0; fi
  if [ "$(date +%s)" -ge "$end" ]; then "$ctl" -D "$d" -m immediate -s -w -t 30 stop; break; fi
  sleep 0.01
done`;

export const STOPPED = UNTIL_STOPPED;

/** The same, and starts it: it is done when the postmaster says that it is up, or that it will not be. */
export const START_AGAIN = String.raw`${UNTIL_STOPPED}
why() { tail -n 5 -- "$log" >&2 2>/dev/null; exit 1; }
"$@" || why
end=$(($(date +%s) + 600)) seen=
patience=$(($(date +%s) + 10))
until serves && alive; do
  if alive; then seen=yes
  elif [ -n "$seen" ] || [ "$(date +%s)" -ge "$patience" ]; then why
  fi
  if [ "$(date +%s)" -ge "$end" ]; then why; fi
  sleep 0.01
done`;

/** That no server runs in a data directory whose standby.signal is there: whatever starts from now on reads it. */
export const RUNS_NOT = String.raw`d=$1
${POSTMASTER}
if alive; then echo "error: it runs meanwhile" >&2; exit 1; fi`;

/** A promotion that happened meanwhile is no error: pg_ctl says of a primary that it is no standby. */
export const PROMOTE = String.raw`d=$1; shift
"$@" && exit 0
[ ! -f "$d/standby.signal" ] && [ ! -f "$d/recovery.conf" ]`;
