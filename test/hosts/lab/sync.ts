import { waitFor } from '../../e2e/support/machine.ts';
import type { Host } from './host.ts';

/** From here on the primary acknowledges a row when the standby has it: what is missing later was lost by us. */
export async function acknowledgedMeansCopied(primary: Host, standby: string): Promise<void> {
  await primary.sql(`ALTER SYSTEM SET synchronous_standby_names = '${standby}';`);
  await primary.sql('SELECT pg_reload_conf();');
  await waitFor(async () => (await primary.sql('SELECT sync_state FROM pg_stat_replication;')) === 'sync', {
    seconds: 60,
    what: `${standby} is synchronous`,
  });
}
