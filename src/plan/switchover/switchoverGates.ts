import type { Problem } from '../../errors.ts';
import { FLOORS } from '../../facts/floors.ts';
import { distance } from '../../facts/lsn.ts';
import { positionOf, type PrimaryState, type StandbyState } from '../../facts/view.ts';
import { applicationName, syncStandbyNames } from '../../render/names.ts';
import { fullDisk } from '../fullDisk.ts';
import type { Up } from '../steps.ts';
import { atNextStart, placeGates } from './nextStart.ts';
import { targetGates, timelineGates } from './recoveryGates.ts';

/** Who swaps, and who follows the candidate afterwards: its siblings are moved to it. */
export type Cast = {
  primary: PrimaryState;
  candidate: StandbyState;
  siblings: readonly StandbyState[];
  /** Every other standby of the cluster, siblings among them: the new primary's settings must suit all of them. */
  others: readonly StandbyState[];
};

/** Files that wait for archive_command; a fast stop waits until they are gone (pgarch.c). */
const READY_MOST = 64;

/** Everything that could go wrong once the primary is stopped, seen before anything is touched. */
export function switchoverGates(cast: Cast, maxLag: number): readonly Problem[] {
  const { primary, candidate } = cast;
  return [
    ...privileges([primary, candidate, ...cast.siblings]),
    ...streaming(primary, candidate),
    ...lag(primary, candidate, maxLag),
    ...late(candidate),
    ...floors(cast),
    ...placeGates(primary),
    ...capacity(cast),
    ...[primary, candidate].flatMap(fullDisk),
    ...archiver(primary),
    ...backups([primary, candidate]),
    ...synchronous(cast),
    ...recovery(cast),
  ];
}

function privileges(nodes: readonly Up[]): readonly Problem[] {
  return nodes
    .filter(({ server }) => !server.superuser)
    .map(({ node, server }) => ({
      message: `${node}: ${server.user} is no superuser, and a switchover needs one on every node`,
    }));
}

function streaming(primary: PrimaryState, candidate: StandbyState): readonly Problem[] {
  const name = candidate.node;
  if (candidate.server.systemIdentifier !== primary.server.systemIdentifier) {
    return [{ message: `${name}: is of another cluster than ${primary.node} (another system identifier)` }];
  }
  const sender = primary.server.walsenders.find(
    ({ applicationName: app, slot }) =>
      app === applicationName(name) || (slot !== undefined && slot === candidate.slot),
  );
  if (sender === undefined || candidate.streaming?.status !== 'streaming') {
    return [
      {
        message: `${name}: does not stream from ${primary.node}`,
        hint: `pgrepl status says why; pgrepl follow ${name} --upstream ${primary.node} moves it there`,
      },
    ];
  }
  if (sender.state === 'streaming') return [];
  return [
    {
      message: `${name}: is not up to date with ${primary.node} yet (${sender.state})`,
      hint: 'Wait until it streams.',
    },
  ];
}

function lag(primary: PrimaryState, candidate: StandbyState, maxLag: number): readonly Problem[] {
  const position = positionOf(candidate);
  const behind = Math.max(
    position === undefined ? Number.POSITIVE_INFINITY : distance(primary.current, position),
    candidate.replayed === undefined ? 0 : distance(primary.current, candidate.replayed),
  );
  if (behind <= maxLag) return [];
  return [
    {
      message: `${candidate.node}: is ${behind} bytes behind ${primary.node}, and the limit is ${maxLag}`,
      hint: 'Wait until it has caught up, or name a higher limit with --max-lag BYTES.',
    },
  ];
}

function late(candidate: StandbyState): readonly Problem[] {
  return [
    ...(candidate.paused
      ? [
          {
            message: `${candidate.node}: its replay is paused`,
            hint: `psql -c 'SELECT pg_wal_replay_resume()' on ${candidate.node}`,
          },
        ]
      : []),
    ...(candidate.delayMs > 0
      ? [
          {
            message: `${candidate.node}: it replays ${Math.round(candidate.delayMs / 1000)} s late (recovery_min_apply_delay)`,
            hint: 'Promote a standby without a delay, or take the delay out first.',
          },
        ]
      : []),
  ];
}

/** A hot standby pauses or refuses where one of the five is lower than its primary's (hot-standby-admin). */
function floors({ primary, candidate, others }: Cast): readonly Problem[] {
  return [primary, ...others].flatMap((other) =>
    FLOORS.flatMap((name) => {
      const theirs = Number((other === primary ? atNextStart(primary, name) : valueOf(other, name)) ?? 0);
      const needed = Number(candidate.server.settings[name]?.value ?? 0);
      if (theirs >= needed) return [];
      return [
        {
          message: `${other.node}: ${name} is ${theirs}, and ${candidate.node} has ${needed}: it could not be its standby`,
          hint: `Raise ${name} on ${other.node} to ${needed} and restart it.`,
        },
      ];
    }),
  );
}

function valueOf({ server }: Up, name: string): string | undefined {
  return server.settings[name]?.value;
}

/** Walsenders and slots at the candidate for everybody who will follow it. */
function capacity({ candidate, siblings }: Cast): readonly Problem[] {
  const followers = siblings.length + 1;
  const most = (name: string): number => Number(candidate.server.settings[name]?.value ?? 0);
  const senders = most('max_wal_senders') - candidate.server.walsenders.length;
  const slots = most('max_replication_slots') - candidate.server.slots.length;
  const attached = siblings.filter(({ slot }) =>
    candidate.server.slots.some(({ name }) => name === slot),
  ).length;
  return [
    ...(senders < followers - attached
      ? [
          {
            message: `${candidate.node}: ${senders} walsenders are free, and ${followers - attached} are needed`,
            hint: `Raise max_wal_senders on ${candidate.node}.`,
          },
        ]
      : []),
    ...(slots < followers - attached
      ? [
          {
            message: `${candidate.node}: ${slots} replication slots are free, and ${followers - attached} are needed`,
            hint: `Raise max_replication_slots on ${candidate.node}.`,
          },
        ]
      : []),
  ];
}

/** The stop waits for the archiver: one that cannot archive would make the outage as long as its trouble. */
function archiver(primary: PrimaryState): readonly Problem[] {
  const { failing, lastFailed, ready = 0 } = primary.server.archiver;
  const mode = primary.server.settings['archive_mode']?.value ?? 'off';
  if (mode === 'off') return [];
  const hint = 'Mend archive_command first: the stop of the primary waits for it.';
  if (failing)
    return [{ message: `${primary.node}: archive_command fails (last for ${lastFailed ?? 'a file'})`, hint }];
  return ready > READY_MOST
    ? [{ message: `${primary.node}: ${ready} WAL files wait to be archived`, hint }]
    : [];
}

function backups(nodes: readonly Up[]): readonly Problem[] {
  return nodes
    .filter(({ server }) => server.backups > 0)
    .map(({ node }) => ({
      message: `${node}: a base backup is running and would be lost`,
      hint: 'Wait until it has ended.',
    }));
}

/** The candidate's own synchronous_standby_names are in force from its promotion on: would a commit ever end? */
function synchronous({ primary, candidate, siblings }: Cast): readonly Problem[] {
  const wanted = syncStandbyNames(candidate.server.settings['synchronous_standby_names']?.value ?? '');
  if (wanted === undefined) return [];
  const followers = [primary, ...siblings].map(({ node }) => applicationName(node).toLowerCase());
  const matching = wanted.names.includes('*')
    ? followers.length
    : wanted.names.filter((name) => followers.includes(name.toLowerCase())).length;
  if (matching >= wanted.number) return [];
  return [
    {
      message: `${candidate.node}: its synchronous_standby_names wants ${wanted.number} of ${wanted.names.join(', ')}, and ${matching} would follow it: every commit would hang`,
      hint: `Set synchronous_standby_names on ${candidate.node} for its time as the primary.`,
    },
  ];
}

/** Settings that mean nothing to a primary, and much to the standby that it becomes. */
function recovery({ primary, others }: Cast): readonly Problem[] {
  const blind =
    atNextStart(primary, 'hot_standby') === 'off'
      ? [
          {
            message: `${primary.node}: hot_standby is off, and as a standby it could not be asked whether it streams`,
            hint: `Set hot_standby = on on ${primary.node}; it counts from its next start on.`,
          },
        ]
      : [];
  return [...targetGates(primary), ...blind, ...[primary, ...others].flatMap(timelineGates)];
}
