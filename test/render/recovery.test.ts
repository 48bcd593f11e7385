import { expect, test } from 'vitest';
import { parseConf, withSettings } from '../../src/render/conf.ts';
import { HAUNTING, recoveryConf } from '../../src/render/recovery.ts';

test('recoveryConf', () => {
  expect(recoveryConf({ primary_conninfo: "user='r'", primary_slot_name: 'b' })).toBe(
    "standby_mode = 'on'\nrecovery_target_timeline = 'latest'\nprimary_conninfo = 'user=''r'''\nprimary_slot_name = 'b'\n",
  );
  expect(parseConf(recoveryConf({ primary_conninfo: '', trigger_file: '/a b' })).settings.at(-1)).toEqual({
    line: 4,
    name: 'trigger_file',
    value: '/a b',
  });
});

test('what haunts goes, and nothing else', () => {
  const auto =
    "# Do not edit\nwork_mem = '4MB'\nprimary_conninfo = 'x'\nrestore_command = 'y'\nrecovery_target_xid = '7'\n";
  expect(withSettings(auto, Object.fromEntries(HAUNTING.map((name) => [name, null])))).toBe(
    "# Do not edit\nwork_mem = '4MB'\nrestore_command = 'y'\n",
  );
});
