import type { PrimaryState } from '../../facts/view.ts';
import type { Cluster } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import { restart } from '../../tools/service.ts';
import { changedSettings, fileSteps, hbaProblems, wantNotes } from '../configFiles.ts';
import { unmetDemands } from '../demands.ts';
import { UNITS } from '../effective.ts';
import { passwordMissing, refused, rulesFor, slotNames, wantsFor, type InitRequest } from './initRequest.ts';
import { overriding, overridingFiles, pending, readAfterOurs } from './overrides.ts';
import type { Plan, Step } from '../plan.ts';
import { isStale, reloadSteps } from '../reload.ts';
import { roleSteps } from './roleSteps.ts';
import { service, socketOf } from '../steps.ts';
import { desiredOwn, type Want } from '../wants.ts';

type Desired = Readonly<Record<string, string>>;

/** A server that takes writes: only what is missing is changed, and a restart only where a setting needs one. */
export function planAdopted(
  cluster: Cluster,
  found: PrimaryState,
  request: InitRequest,
  title: string,
): Plan {
  const checksums = found.server.settings['data_checksums']?.value === 'on';
  const wants = wantsFor(cluster, found, request, found.server.version, checksums);
  const desired = desiredOwn(found, wants, {});
  const refusals = whyNotAdopted(found, request, wants, desired);
  if (refusals.length > 0) return refused(title, refusals);
  const changed = changedSettings(found, desired);
  const waiting = waitingSettings(found, desired, changed);
  return {
    title,
    refusals: [],
    steps: [
      ...settingSteps(found, request, desired, waiting),
      ...missingSteps(found, request, slotNames(cluster, request.node)),
    ],
    confirm: replacesPassword(found, request),
    notes: [...waitsNote(found, request, waiting), ...wantNotes(found, wants, changed)],
  };
}

/** Those whose value in the files is in force only after a restart. */
function waitingSettings(
  found: PrimaryState,
  desired: Desired,
  changed: readonly string[],
): readonly string[] {
  const restarting = changed.filter((name) => contextOf(found, name) === 'postmaster');
  return [...new Set([...restarting, ...pending(found, Object.keys(desired))])];
}

function settingSteps(
  found: PrimaryState,
  request: InitRequest,
  desired: Desired,
  waiting: readonly string[],
): readonly Step[] {
  const files = fileSteps(found, desired, rulesFor(request.role, request.allow));
  if (request.restart && waiting.length > 0) {
    const why = `restart: ${waiting.join(', ')} need${waiting.length === 1 ? 's' : ''} it`;
    return [...files, service(found.node, why, restart(found.machine, found.place))];
  }
  return files.length > 0 || isStale(found) ? [...files, ...reloadSteps(found.node, socketOf(found))] : [];
}

function missingSteps(found: PrimaryState, request: InitRequest, slots: readonly string[]): readonly Step[] {
  const { server } = found;
  const role = roleOf(found, request);
  return roleSteps(request, socketOf(found), server.version, {
    role: role === undefined || !role.login || !role.replication || !passwordFits(found, request),
    grants: role?.rewinds !== true && server.superuser,
    slots: slots.filter((slot) => !server.slots.some(({ name }) => name === slot)),
  });
}

function roleOf(
  found: PrimaryState,
  request: InitRequest,
): PrimaryState['server']['roles'][number] | undefined {
  return found.server.roles.find(({ name }) => name === request.role);
}

function passwordFits(found: PrimaryState, request: InitRequest): boolean {
  const verifier = roleOf(found, request)?.verifier;
  return request.password === undefined || (verifier !== undefined && request.password.fits(verifier));
}

function whyNotAdopted(
  found: PrimaryState,
  request: InitRequest,
  wants: readonly Want[],
  desired: Desired,
): readonly Problem[] {
  const { server } = found;
  const role = roleOf(found, request);
  const hasPassword = role !== undefined && (role.verifier !== undefined || !server.superuser);
  const later = overridingFiles(found, wants, desired);
  return [
    ...wrongServer(found, request),
    ...unmetDemands(found, request.demands),
    ...hbaProblems(found),
    ...passwordMissing(found, request, hasPassword),
    ...overriding(found, desired),
    ...later.map((line) => readAfterOurs(found.node, line)),
    ...unmet(
      found,
      wants,
      later.map(({ name }) => name),
    ),
    ...raisedUnderStandbys(found, desired),
  ];
}

function wrongServer(found: PrimaryState, request: InitRequest): readonly Problem[] {
  const { server, node } = found;
  return [
    ...(server.superuser
      ? []
      : [
          {
            message: `${node}: ${server.user} is no superuser, and settings and roles need one`,
            hint: 'Name a superuser with --superuser, or in the cluster file as superuser.',
          },
        ]),
    ...(request.node.port !== undefined && request.node.port !== server.port
      ? [
          {
            message: `${node}: the server listens on port ${server.port}, not ${request.node.port}`,
            hint: `Leave the port out, or name ${server.port}.`,
          },
        ]
      : []),
    ...server.fileErrors.map(({ file, line, name, error }) => ({
      message: `${node}: ${file} line ${line}: ${error}${error.includes(name) ? '' : ` "${name}"`}`,
      hint: 'The server takes no new setting while a file has an error; mend the line first.',
    })),
  ];
}

/** Settings of our file that a file read after it overrides; as the server tells, which reads files that we did not. */
function unmet(found: PrimaryState, wants: readonly Want[], told: readonly string[]): readonly Problem[] {
  const own = found.place.files.own?.path;
  return wants.flatMap((want) => {
    const lines = found.server.fileSettings.filter(({ name }) => name === want.name);
    const last = lines.at(-1);
    if (last === undefined || last.file === own || !lines.some(({ file }) => file === own)) return [];
    if (told.includes(want.name) || /postgresql\.auto\.conf$/.test(last.file)) return [];
    return want.good(last.value, UNITS[want.name] ?? '') ? [] : [readAfterOurs(found.node, last)];
  });
}

function contextOf(found: PrimaryState, name: string): string {
  return found.server.settings[name]?.context ?? 'postmaster';
}

/** A hot standby stops or pauses when its primary has more walsenders than itself: standbys are raised first. */
function raisedUnderStandbys(found: PrimaryState, desired: Desired): readonly Problem[] {
  if (!changedSettings(found, desired).includes('max_wal_senders')) return [];
  const standbys = found.server.walsenders
    .filter(({ state }) => state === 'streaming')
    .map(({ applicationName }) => applicationName);
  if (standbys.length === 0) return [];
  return [
    {
      message: `${found.node}: max_wal_senders must be raised to ${desired['max_wal_senders'] ?? '?'}, and ${standbys.join(', ')} would pause with the lower value`,
      hint: `Raise max_wal_senders on ${standbys.join(', ')} first and restart there; then run this again.`,
    },
  ];
}

/** Asked where a standby streams with the old password: it could not connect again. */
function replacesPassword(found: PrimaryState, request: InitRequest): readonly string[] {
  if (roleOf(found, request) === undefined || passwordFits(found, request)) return [];
  const users = found.server.walsenders
    .filter(({ user }) => user === request.role)
    .map(({ applicationName }) => applicationName);
  if (users.length === 0) return [];
  return [
    `replace the password of the role ${request.role}: ${users.toSorted().join(', ')} ${users.length === 1 ? 'streams' : 'stream'} with the old one and could not connect again before pgrepl clone-standby, or pgrepl follow, brings the new one there`,
  ];
}

function waitsNote(found: PrimaryState, request: InitRequest, waiting: readonly string[]): readonly string[] {
  if (request.restart || waiting.length === 0) return [];
  return [
    `${found.node}: ${waiting.join(', ')} wait${waiting.length === 1 ? 's' : ''} for a restart, and --no-restart leaves that to you`,
  ];
}
