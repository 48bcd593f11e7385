import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostText, parseHost } from '../../src/cluster/host.ts';

describe('a host as people write it', () => {
  test.each([
    ['local', { via: 'local' }],
    ['ssh://db1', { via: 'ssh', destination: 'db1' }],
    ['ssh://postgres@db1', { via: 'ssh', destination: 'postgres@db1' }],
    ['ssh://postgres@db1:2222', { via: 'ssh', destination: 'postgres@db1', port: 2222 }],
    ['ssh://10.0.0.11:22', { via: 'ssh', destination: '10.0.0.11', port: 22 }],
    ['ssh://a@corp.example@db1', { via: 'ssh', destination: 'a@corp.example@db1' }],
    ['ssh://[::1]', { via: 'ssh', destination: '::1' }],
    ['ssh://postgres@[fe80::1]:22', { via: 'ssh', destination: 'postgres@fe80::1', port: 22 }],
    ['docker://pg-1', { via: 'docker', container: 'pg-1' }],
  ])('%s', (text, host) => {
    const parsed = parseHost(text);
    expect(parsed).toEqual(host);
    if (!('error' in parsed)) expect(hostText(parsed)).toBe(text);
  });
});

describe('what names no host', () => {
  test.each([
    [''],
    ['remote'],
    ['Local'],
    ['SSH://db1'],
    ['ssh://'],
    ['ssh://@db1'],
    ['ssh://postgres@'],
    ['ssh://-oProxyCommand=id'],
    ['ssh://postgres@-oProxyCommand=id'],
    ['ssh://-l@db1'],
    ['ssh://db 1'],
    ['ssh://db1\n'],
    ['ssh://db\0'],
    ['ssh://db1/var'],
    ['ssh://db1;id'],
    ['ssh://$(id)@db1'],
    ['ssh://::1'],
    ['ssh://[::1'],
    ['ssh://[db1]'],
    ['ssh://db1:'],
    ['ssh://db1:0'],
    ['ssh://db1:65536'],
    ['ssh://db1:22x'],
    ['ssh://postgres:secret@db1'],
    ['docker://'],
    ['docker://-it'],
    ['docker://a b'],
    ['docker://a/b'],
  ])('%j', (text) => {
    expect(parseHost(text)).toEqual({ error: expect.any(String), hint: expect.any(String) });
  });
});

test('a password in an ssh URL is not repeated', () => {
  expect(JSON.stringify(parseHost('ssh://postgres:secret@db1'))).not.toContain('secret');
});

test('arbitrary text never becomes an option or more than one word', () => {
  const text = fc
    .tuple(fc.constantFrom('', 'ssh://', 'docker://'), fc.string({ unit: 'binary' }))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (written) => {
      const host = parseHost(written);
      if ('error' in host || host.via === 'local') return;
      const word = host.via === 'ssh' ? host.destination : host.container;
      expect(word).toMatch(/^[^-\s\p{C}][^\s\p{C}]*$/u);
      expect(parseHost(hostText(host))).toEqual(host);
    }),
    { numRuns: 2000 },
  );
});
