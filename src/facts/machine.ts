import type { Sections } from './sections.ts';
import type { Machine, Program } from './state.ts';

const PROGRAMS: readonly Program[] = [
  'postgres',
  'initdb',
  'pg_ctl',
  'psql',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
  'pg_verifybackup',
  'pg_amcheck',
];

export function machineOf(at: Sections): Machine {
  const login = at.one('login') ?? '';
  const owner = at.one('owner') ?? login;
  const by = at.one('by');
  return {
    login,
    ...(owner === login ? {} : { become: owner }),
    by: by === 'runuser' || by === 'su' || by === 'sudo' ? by : 'self',
    hostname: at.one('hostname') ?? '',
    os: at.one('os') ?? '',
    libc: at.one('libc') ?? '',
    ...majorOfPrograms(at),
    programs: Object.fromEntries(
      PROGRAMS.flatMap((name) => {
        const path = at.one(`program ${name}`);
        return path === undefined ? [] : [[name, path]];
      }),
    ),
    bindirs: Object.fromEntries(
      at.all('bindir').flatMap((dir) => {
        const major = /(?:postgresql\/|pgsql-)(\d+)\/bin$/.exec(dir)?.[1];
        return major === undefined ? [] : [[major, dir]];
      }),
    ),
    systemd: at.one('systemd') !== undefined,
    postgresqlCommon: at.one('postgresqlcommon') !== undefined,
  };
}

/** The major of the programs that were chosen: from their directory's name, else from what postgres says. */
function majorOfPrograms(at: Sections): { major?: number } {
  const named = /(?:postgresql\/|pgsql-)(\d+)\/bin$/.exec(at.one('chosen') ?? '')?.[1];
  const said = /\) (\d+)/.exec(at.one('chosenversion') ?? '')?.[1];
  const major = named ?? said;
  return major === undefined ? {} : { major: Number(major) };
}
