import fc from 'fast-check';
import { expect, test } from 'vitest';
import { saslprep } from '../../src/secrets/saslprep.ts';
import { matchesVerifier, scramVerifier } from '../../src/secrets/scram.ts';
import { Secret } from '../../src/tools/words.ts';

/** RFC 7677, section 3: user, salt and server key of its example follow from this verifier. */
test('the verifier of RFC 7677', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  expect(scramVerifier(new Secret('pencil'), salt).reveal()).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

test.each([
  ['pencil', 'pencil'],
  ['', ''],
  ['a\u0007b', 'a\u0007b'],
  ['a\u00a0b', 'a b'],
  ['a\u200bb', 'a b'],
  ['I\u00adX', 'IX'],
  ['\u00ad', '\u00ad'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['u\u0308', '\u00fc'],
  ['\u2168\u0080', '\u2168\u0080'],
  ['\u2168\u0221', '\u2168\u0221'],
  ['\u2168\u{1f600}', '\u2168\u{1f600}'],
  ['\ufe76\u05d0', ' \u064e\u05d0'],
  ['\ufe761', '\ufe761'],
  ['\ufe76a\ufe76', '\ufe76a\ufe76'],
  ['\ufe761\ufe76', ' \u064e1 \u064e'],
  ['\u0340\u2168', '\u0340\u2168'],
])('saslprep %j', (password, prepared) => expect(saslprep(password)).toBe(prepared));

test.each([
  ['a\u00a0b', 'a b', true],
  ['a', 'b', false],
  ['a', 'a ', false],
])('%j and %j are the same password', (one, other, same) => {
  const verifier = scramVerifier(new Secret(one), Buffer.from('salt'), 2).reveal();
  expect(matchesVerifier(new Secret(other), verifier)).toBe(same);
});

test.each(['', 'md5abc', 'SCRAM-SHA-256$0:YQ==$YQ==:YQ==', 'SCRAM-SHA-256$1:YQ==$YQ==:YQ=='])(
  '%j lets nobody in',
  (verifier) => expect(matchesVerifier(new Secret('a'), verifier)).toBe(false),
);

test('a verifier is of its password alone', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array({ minLength: 1 }), (password, salt) => {
      const verifier = scramVerifier(new Secret(password), Buffer.from(salt), 1).reveal();
      expect(matchesVerifier(new Secret(password), verifier)).toBe(true);
      expect(matchesVerifier(new Secret(`${password}x`), verifier)).toBe(false);
    }),
  ));
