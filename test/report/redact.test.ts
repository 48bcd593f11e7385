import { expect, test } from 'vitest';
import { masked } from '../../src/report/redact.ts';

test.each([
  ["primary_conninfo = 'user=r password=abc host=h'", "primary_conninfo = 'user=r password=•••••• host=h'"],
  ["primary_conninfo = 'user=r password=abc'", "primary_conninfo = 'user=r password=••••••'"],
  ["x = 'password=''a b'''' c'' host=h'", "x = 'password=•••••• host=h'"],
  ["x = 'password=\\'a b\\' host=h'", "x = 'password=•••••• host=h'"],
  ["password = 'a\\' b' host=h", 'password = •••••• host=h'],
  ['password=a@b#c host=h', 'password=•••••• host=h'],
  ['PASSWORD=a\\ b host=h', 'PASSWORD=•••••• host=h'],
  ['sslpassword=abc', 'sslpassword=••••••'],
  ['postgresql://u:abc@h/db', 'postgresql://u:••••••@h/db'],
  ['host all all ::1/128 ldap ldapbindpasswd=abc', 'host all all ::1/128 ldap ldapbindpasswd=••••••'],
  ['password_encryption = scram-sha-256', 'password_encryption = scram-sha-256'],
  ['host all all ::1/128 password', 'host all all ::1/128 password'],
  ['postgresql://h:5432/db', 'postgresql://h:5432/db'],
  ['passfile=/x', 'passfile=/x'],
])('%s', (text, shown) => {
  expect(masked(text)).toBe(shown);
});
