import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  answerExchange,
  digestOfKey,
  exchangeRequest,
  licenseTextOf,
  verifyKeyLicense,
} from './key-exchange.ts';
import { signLicense } from './license-file.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const publicKeysPem = [publicKey.export({ type: 'spki', format: 'pem' }).toString()];
const nowMs = Date.UTC(2026, 0, 1);
const known = { digest: digestOfKey('k'), dataNodesMax: 3, coresMax: 8, expiresAtMs: nowMs + 900 };
const ask = (body: string, lifetimeMs = 100, atMs = nowMs) =>
  answerExchange(body, [known], { nowMs: atMs, lifetimeMs, privateKey });

test('key exchange: a known key gets a licence for its time, at most to the end of the key', () => {
  const got = (lifetimeMs: number) =>
    verifyKeyLicense(licenseTextOf(ask(exchangeRequest('k'), lifetimeMs)), {
      key: 'k',
      publicKeysPem,
      nowMs,
    });
  expect(got(100)).toEqual({
    id: digestOfKey('k').slice(0, 16),
    type: 'license-key',
    notBeforeMs: nowMs,
    expiresAtMs: nowMs + 100,
    dataNodesMax: 3,
    coresMax: 8,
    keyDigest: digestOfKey('k'),
  });
  expect(got(10_000).expiresAtMs).toBe(nowMs + 900);
});

test('key exchange: what the portal refuses, and its words at the node', () => {
  const words =
    (body: string, atMs = nowMs) =>
    () =>
      licenseTextOf(ask(body, 100, atMs));
  const start = 'license key verification failed: the portal answered';
  expect(words(exchangeRequest('x'))).toThrow(`${start} 404: the license key is not known`);
  expect(words(exchangeRequest('k'), nowMs + 900)).toThrow(
    `${start} 403: the license key expired at 2026-01-01T00:00:00.900Z`,
  );
  for (const bad of ['', 'x', '[]', 'null', '{}', '{"licenseKey":7}', '{"licenseKey":""}'])
    expect(words(bad)).toThrow(`${start} 400: the body is not`);
  expect(() => licenseTextOf({ status: 502, text: '<html>' })).toThrow(
    `${start} 502: no reason given`,
  );
});

test('key exchange: a licence counts for the key it was given for only', () => {
  const text = licenseTextOf(ask(exchangeRequest('k')));
  expect(() => verifyKeyLicense(text, { key: 'other', publicKeysPem, nowMs })).toThrow(
    'license key verification failed: it was given for another license-key',
  );
  const bare = signLicense(
    { id: 'x', type: 'x', notBeforeMs: 0, expiresAtMs: nowMs + 1, dataNodesMax: 1, coresMax: 1 },
    privateKey,
  );
  expect(() => verifyKeyLicense(bare, { key: 'k', publicKeysPem, nowMs })).toThrow('another');
});
