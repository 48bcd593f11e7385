import { expect } from 'vitest';
import { story } from './lab/lab.ts';
import { pair } from './lab/tree.ts';

story(
  'a standby is away until its slot is lost: status says so, and it comes back by a copy',
  async (lab) => {
    const { shop, pg1, pg2 } = await pair(lab);
    const writer = await shop.writer();
    await pg1.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '32MB';");
    await pg1.sql("ALTER SYSTEM SET wal_keep_size = '0';");
    await pg1.sql('SELECT pg_reload_conf();');
    await pg2.powerOff();
    await shop.until(async () => {
      await pg1.sql('SELECT pg_switch_wal();');
      await pg1.sql('CHECKPOINT;');
      return (await pg1.sql('SELECT wal_status FROM pg_replication_slots;')) === 'lost';
    }, 'the slot is lost');
    const told = await shop.status();
    expect(told.status).toBe(9);
    expect(JSON.stringify(told['findings'])).toContain('lost');
    await pg2.powerOn();
    await shop.arrives('rejoin', 'pg2', '--allow-reclone', '--yes');
    await shop.endsWell('pg1', writer);
  },
);
