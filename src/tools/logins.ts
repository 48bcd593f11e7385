import { LOOKING } from '../cluster/session.ts';

/**
 * Two logins of one role at once: by the replication protocol, and to a database with a question. The first line of
 * stdin is the password, an empty one is none. Each answer is written in one piece: `@name STATUS`, then what psql said.
 */
export const LOGINS = String.raw`IFS= read -r PGPASSWORD
if [ -n "$PGPASSWORD" ]; then export PGPASSWORD; else unset PGPASSWORD; fi
export LC_ALL=C
psql=$1 replication=$2 database=$3 question=$4
try() {
  said=$("$psql" -XAtqw -v ON_ERROR_STOP=1 -d "$2" -c "$3" 2>&1 </dev/null)
  printf '@%s %s\n%s\n' "$1" "$?" "$said"
}
try replication "$replication" IDENTIFY_SYSTEM &
PGOPTIONS='${LOOKING}'; export PGOPTIONS
try rights "$database" "$question"
wait`;
