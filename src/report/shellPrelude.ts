import { WRITE } from '../tools/shell.ts';
import { quoteWord } from '../tools/words.ts';

/** What every script begins with: small functions in POSIX sh, and what happens when a step fails. */
export const PRELUDE = String.raw`say() { printf '%s\n' "$*" >&2; }

# One word inside single quotes of another host's shell.
esc() { printf '%s\n' "$1" | sed "s/'/'\\\\''/g"; }

trim() {
  _text=$1
  while :; do
    case $_text in
      [[:space:]]*) _text=${'$'}{_text#?} ;;
      *[[:space:]]) _text=${'$'}{_text%?} ;;
      *) break ;;
    esac
  done
  printf %s "$_text"
}

# SECONDS COMMAND...: where timeout(1) is not there, without a bound.
bounded() {
  if command -v timeout >/dev/null 2>&1; then timeout "$@"; else shift; "$@"; fi
}

# SECONDS TEXT: calls ask until it prints the text.
expect() {
  _deadline=$(($(date +%s) + $1))
  until _got=$(ask 2>/dev/null) && [ "$(trim "$_got")" = "$2" ]; do
    if [ "$(date +%s)" -ge "$_deadline" ]; then
      say "not seen within $1 s: wanted $2, got $(trim "$_got")"
      exit 7
    fi
    sleep 0.1
  done
}

# NUMBER TEXT: a step begins, so those before it are done.
step() {
  _completed=$(($1 - 1))
  say "$1/$_steps $2"
}

# A file is whole or not there: arguments PATH MODE, the text on stdin.
write_file=${quoteWord(WRITE)}

_completed=0
finish() {
  _status=$?
  trap - EXIT
  trap '' HUP INT TERM
  if [ "$_status" -eq 0 ]; then exit 0; fi
  if [ "$_completed" -lt "$_undo_before" ]; then
    say 'failed; taking back what was done'
    set +e
    (set -e; undo)
    if [ "$?" -eq 0 ]; then say 'as before'; exit 6; fi
    say 'that failed too'
    exit 5
  fi
  say "failed at step $((_completed + 1)) of $_steps"
  case $_status in 7 | 130) exit "$_status" ;; *) exit 5 ;; esac
}
trap finish EXIT
trap 'exit 130' HUP INT TERM
`;
