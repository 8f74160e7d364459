import { expect, test } from 'vitest';
import { isFipsReady, printPasswordHash, readPasswordHash } from './password-hash.ts';

test.each([
  ['bcrypt', 'bcrypt;cost=10', false],
  ['bcrypt;cost=4', 'bcrypt;cost=4', false],
  ['pbkdf2-sha256', 'pbkdf2-sha256;rounds=29000;salt_len=16', true],
  ['pbkdf2-sha256;salt_len=32;rounds=64000', 'pbkdf2-sha256;rounds=64000;salt_len=32', true],
  ['pbkdf2-sha512;rounds=1000', 'pbkdf2-sha512;rounds=1000;salt_len=16', true],
  ['pbkdf2-sha512;rounds=999', 'pbkdf2-sha512;rounds=999;salt_len=16', false],
  ['pbkdf2-sha512;salt_len=15', 'pbkdf2-sha512;rounds=29000;salt_len=15', false],
])('password-hash: %j is %j, ready for FIPS: %j', (text, printed, isReady) => {
  const scheme = readPasswordHash(text);
  expect([printPasswordHash(scheme), isFipsReady(scheme)]).toEqual([printed, isReady]);
  expect(readPasswordHash(printed)).toEqual(scheme);
});

test.each([
  ['', 'Unrecognized PasswordHasher: '],
  ['pbkdf2-sha1', 'Unrecognized PasswordHasher: pbkdf2-sha1'],
  ['toString', 'Unrecognized PasswordHasher: toString'],
  ['bcrypt;', 'Unrecognized bcrypt option: '],
  ['bcrypt;rounds=5', 'Unrecognized bcrypt option: rounds=5'],
  ['bcrypt;constructor=5', 'Unrecognized bcrypt option: constructor=5'],
  ['bcrypt;cost=3', 'cost=3: must be from 4 to 16'],
  ['bcrypt;cost=31', 'cost=31: must be from 4 to 16'],
  ['bcrypt;cost=1e1', 'cost=1e1: must be from 4 to 16'],
  ['pbkdf2-sha256;rounds=0', 'rounds=0: must be from 1 to 2000000'],
  ['pbkdf2-sha256;rounds=2147483648', 'rounds=2147483648: must be from 1 to 2000000'],
  ['pbkdf2-sha256;salt_len=1025', 'salt_len=1025: must be from 1 to 1024'],
])('password-hash: %j stops the start', (text, reason) => {
  expect(() => readPasswordHash(text)).toThrow(`passwordhash: invalid PasswordHasher option: ${reason}`); // prettier-ignore
});
