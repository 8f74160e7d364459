import { readFileSync } from 'node:fs';
import { DbError, errorText } from '../base/errors.ts';
import { verifyLicense } from '../license/license-file.ts';
import { licensePhase, type License } from '../license/license.ts';
import type { Env } from '../env/env.ts';

const hourMs = 3_600_000;

/** The licence the daemon runs under. Throws `license_invalid`: without one it must not start (spec F2, F4). */
export function readLicense(
  settings: { readonly key: string; readonly path: string; readonly publicKeyPath: string },
  nowMs: number,
): License {
  const failed = (why: string) =>
    new DbError('license_invalid', `license key verification failed: ${why}`);
  const { key, path, publicKeyPath } = settings;
  if (key !== '' && path !== '')
    throw failed('[enterprise] license-key and license-path are both set, set one');
  if (key !== '')
    throw failed('[enterprise] license-key is not supported in this version, use license-path');
  if (path === '') throw failed('[enterprise] license-path is not set');
  if (publicKeyPath === '') throw failed('[enterprise] license-public-key-path is not set');
  const text = readText(path, failed);
  return verifyLicense(text, [readText(publicKeyPath, failed)], nowMs);
}

/** Tells each hour of a licence that has expired; `onEnd` once its grace is over too. */
export function watchLicense(license: License, { clock, log }: Env, onEnd: () => void): () => void {
  const timer = clock.every(hourMs, () => {
    const phase = licensePhase(license, Number(clock.wallNs() / 1_000_000n));
    if (phase === 'valid') return;
    const expiry = new Date(license.expiresAtMs).toISOString();
    if (phase === 'grace')
      log.warn('The license has expired, the node goes on for its grace', { expiry });
    else {
      log.error('The license and its grace have expired, the node stops', { expiry });
      onEnd();
    }
  });
  return () => {
    timer.cancel();
  };
}

function readText(path: string, failed: (why: string) => DbError): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw failed(errorText(error));
  }
}
