import { expect } from 'vitest';
import { story } from './lab/lab.ts';

story(
  'a standby of another Debian release: its collations sort otherwise, and pgrepl says so',
  async (lab) => {
    const [pg1, pg2] = await Promise.all([
      lab.host('pg1', { image: 'bookworm' }),
      lab.host('pg2', { image: 'trixie15' }),
    ]);
    const shop = lab.cluster({ pg1: { host: pg1 }, pg2: { host: pg2, upstream: 'pg1' } });
    await shop.does('init-primary', 'pg1');
    await pg1.sql("CREATE DATABASE sorted LOCALE 'en_US.UTF-8' TEMPLATE template0;");
    const asked = await shop.tries('clone-standby', 'pg2');
    expect([0, 3]).toContain(asked.code);
    expect(asked.stdout + asked.stderr).toMatch(/2\.36.*2\.41|2\.41.*2\.36/s);
    await shop.does('clone-standby', 'pg2', '--yes');
    await shop.endsWell('pg1', await shop.writer());
  },
);
