import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { signLicense, verifyLicense } from './license-file.ts';
import { entitlements, graceMs, type License, licensePhase } from './license.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const otherPem = generateKeyPairSync('ed25519')
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();
const license: License = {
  id: 'test',
  type: 'license-path',
  notBeforeMs: Date.UTC(2022, 0, 1),
  expiresAtMs: Date.UTC(2022, 1, 15),
  dataNodesMax: 2,
  coresMax: 4,
};
const nowMs = Date.UTC(2022, 0, 20);
const text = signLicense(license, privateKey);

test('license: signed by one of the trusted keys and within its time', () => {
  expect(verifyLicense(text, [otherPem, pem], nowMs)).toEqual(license);
});

test('license: a wrong key, a change of the licence or of the signature', () => {
  const words = /^license key verification failed: it is not signed by a trusted key/;
  expect(() => verifyLicense(text, [otherPem], nowMs)).toThrow(words);
  expect(() => verifyLicense(text, [], nowMs)).toThrow(words);
  const file = JSON.parse(text) as { version: number; license: string; signature: string };
  const more = JSON.stringify({ ...license, dataNodesMax: 99 });
  const forged = { ...file, license: Buffer.from(more).toString('base64') };
  expect(() => verifyLicense(JSON.stringify(forged), [pem], nowMs)).toThrow(words);
  const unsigned = { ...file, signature: '' };
  expect(() => verifyLicense(JSON.stringify(unsigned), [pem], nowMs)).toThrow(words);
});

test('license: not yet valid, expired to the millisecond', () => {
  // A clock may be an hour behind.
  const hourMs = 3_600_000;
  expect(verifyLicense(text, [pem], license.notBeforeMs - hourMs)).toEqual(license);
  expect(() => verifyLicense(text, [pem], license.notBeforeMs - hourMs - 1)).toThrow(
    'it is not valid before 2022-01-01T00:00:00.000Z',
  );
  expect(verifyLicense(text, [pem], license.expiresAtMs - 1)).toEqual(license);
  expect(() => verifyLicense(text, [pem], license.expiresAtMs)).toThrow(
    'it expired at 2022-02-15T00:00:00.000Z',
  );
});

test.each(['', 'x', '[]', 'null', '{}', '{"version":2}', '{"version":1,"license":7}'])(
  'license: %j is refused with the code that stops the start',
  (bad) => {
    expect(() => verifyLicense(bad, [pem], nowMs)).toThrow(
      expect.objectContaining({ code: 'license_invalid' }),
    );
  },
);

test('license: a signed licence without its limits is refused', () => {
  const bare = signLicense({ ...license, coresMax: Number.NaN }, privateKey);
  expect(() => verifyLicense(bare, [pem], nowMs)).toThrow('coresMax is not a whole number');
  expect(() => verifyLicense(text, ['no key'], nowMs)).toThrow('a public key is not readable');
});

test('license: entitlements as /debug/vars shows them, and the grace of a running node', () => {
  expect(JSON.stringify(entitlements({ ...license, type: 'license-key' }))).toBe(
    '{"name":"entitlements","tags":null,"values":{"licenseExpiry":"2022-02-15T00:00:00Z","licenseType":"license-key"}}',
  );
  const later = { ...license, expiresAtMs: license.expiresAtMs + 999 };
  expect(entitlements(later)).toEqual(entitlements(license));
  expect(licensePhase(license, license.expiresAtMs - 1)).toBe('valid');
  expect(licensePhase(license, license.expiresAtMs)).toBe('grace');
  expect(licensePhase(license, license.expiresAtMs + graceMs)).toBe('expired');
});
