import type { Buffer } from 'node:buffer';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { quoteGo } from '../../../base/go-format.ts';
import { DbError, errorText } from '../../../base/errors.ts';

export interface CertificateFiles {
  /** PEM of the certificate and of those between it and its authority; of the key too where that has no file. */
  readonly certificatePath: string;
  /** '': the certificate's file. */
  readonly keyPath: string;
  /** Takes files that others than their owner may read or write. */
  readonly isOpenTaken: boolean;
}

export interface TlsCertificate {
  readonly certificatePem: Buffer;
  readonly keyPem: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const certificateMode = 0o644;
const keyMode = 0o600;

/** Reads and checks both files. Throws `invalid_argument` with the reference's texts (1.12.3). */
export async function loadCertificate(files: CertificateFiles): Promise<TlsCertificate> {
  const { certificatePath, isOpenTaken } = files;
  const keyPath = files.keyPath === '' ? certificatePath : files.keyPath;
  const isOne = keyPath === certificatePath;
  const certificatePem = await readPem(certificatePath, isOpenTaken ? 0o777 : (isOne ? keyMode : certificateMode)); // prettier-ignore
  const keyPem = isOne ? certificatePem : await readPem(keyPath, isOpenTaken ? 0o777 : keyMode);
  try {
    return { certificatePem, keyPem, ...checkedPair(certificatePem, keyPem) };
  } catch (error) {
    const pair = `${quoteGo(certificatePath)} / ${quoteGo(keyPath)}`;
    throw invalid(`error loading x509 key pair (${pair}): tls: ${errorText(error)}`);
  }
}

async function readPem(path: string, modeMax: number): Promise<Buffer> {
  const file = await open(path).catch((error: unknown) => {
    const { code = '' } = error as NodeJS.ErrnoException;
    const reason = reasons.get(code) ?? errorText(error);
    throw invalid(`LoadCertificate: error opening ${quoteGo(path)} for reading: open ${path}: ${reason}`); // prettier-ignore
  });
  try {
    const mode = (await file.stat()).mode & 0o777;
    const extra = mode & ~modeMax;
    if (extra !== 0) {
      const limits = `maximum is ${modeText(modeMax)} but found ${modeText(mode)}; extra permissions: ${modeText(extra)}`;
      throw invalid(`LoadCertificate: file permissions are too open: for ${quoteGo(path)}, ${limits}`); // prettier-ignore
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file or directory'],
  ['EACCES', 'permission denied'],
]);

/** `0644 (-rw-r--r--)`. */
function modeText(mode: number): string {
  const letters = Array.from('rwxrwxrwx', (letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  return `${mode.toString(8).padStart(4, '0')} (-${letters.join('')})`;
}

/** Go's words for what is wrong. */
function checkedPair(
  certificatePem: Buffer,
  keyPem: Buffer,
): Pick<TlsCertificate, 'notBeforeMs' | 'notAfterMs'> {
  // prettier-ignore
  if (!certificatePem.includes('-----BEGIN '))
    throw new Error('failed to find any PEM data in certificate input');
  if (!certificatePem.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error('failed to find certificate PEM data in certificate input');
  const certificate = new X509Certificate(certificatePem);
  if (!keyPem.includes('-----BEGIN ')) throw new Error('failed to find any PEM data in key input');
  if (!keyPem.includes('PRIVATE KEY-----'))
    throw new Error('failed to find PEM block with type ending in "PRIVATE KEY" in key input');
  if (!certificate.checkPrivateKey(createPrivateKey(keyPem)))
    throw new Error('private key does not match public key');
  return {
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
