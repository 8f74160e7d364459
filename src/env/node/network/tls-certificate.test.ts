import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadCertificate } from './tls-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-certificate-'));
const testdata = join(import.meta.dirname, 'testdata');
const certificate = readFileSync(join(testdata, 'outbound-cert.pem'), 'utf8');
const key = readFileSync(join(testdata, 'outbound-key.pem'), 'utf8');
const { privateKey: otherKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const certificatePath = file('cert.pem', certificate, 0o644);
const keyPath = file('key.pem', key, 0o600);
const bundle = file('bundle.pem', certificate + key, 0o600);
const load = (certificateFile: string, keyFile = '', isOpenTaken = false) =>
  loadCertificate({ certificatePath: certificateFile, keyPath: keyFile, isOpenTaken });

test('certificate: of two files, and of one that has both', async () => {
  const two = await load(certificatePath, keyPath);
  const one = await load(bundle);
  expect(two.notAfterMs).toBe(Date.parse('2126-11-02T17:23:09Z'));
  expect([one.notBeforeMs, one.notAfterMs]).toEqual([two.notBeforeMs, two.notAfterMs]);
});

test.each([
  ['none.pem', '', `LoadCertificate: error opening "${folder}/none.pem" for reading: open ${folder}/none.pem: no such file or directory`],
  ['cert.pem', '', `LoadCertificate: file permissions are too open: for "${folder}/cert.pem", maximum is 0600 (-rw-------) but found 0644 (-rw-r--r--); extra permissions: 0044 (----r--r--)`],
  ['open.pem', 'key.pem', `LoadCertificate: file permissions are too open: for "${folder}/open.pem", maximum is 0644 (-rw-r--r--) but found 0666 (-rw-rw-rw-); extra permissions: 0022 (-----w--w-)`],
  ['junk.pem', '', `error loading x509 key pair ("${folder}/junk.pem" / "${folder}/junk.pem"): tls: failed to find any PEM data in certificate input`],
  ['cert.pem', 'junk.pem', `error loading x509 key pair ("${folder}/cert.pem" / "${folder}/junk.pem"): tls: failed to find any PEM data in key input`],
  ['cert.pem', 'other.pem', `error loading x509 key pair ("${folder}/cert.pem" / "${folder}/other.pem"): tls: private key does not match public key`],
])('certificate: %s with %j says what 1.12.4 says', async (certificateFile, keyFile, text) => {
  file('open.pem', certificate, 0o666);
  file('junk.pem', 'junk\n', 0o600);
  file('other.pem', otherKey, 0o600);
  const keyName = keyFile === '' ? '' : join(folder, keyFile);
  await expect(load(join(folder, certificateFile), keyName)).rejects.toThrow(text);
}); // prettier-ignore

test('certificate: https-insecure-certificate takes what others may read', async () => {
  const open = file('open-key.pem', key, 0o644);
  await expect(load(certificatePath, open)).rejects.toThrow('too open');
  expect((await load(certificatePath, open, true)).keyPem.toString()).toBe(key);
});
