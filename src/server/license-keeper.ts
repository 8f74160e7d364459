import { readFileSync } from 'node:fs';
import { DbError, errorText } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import type { enterpriseKeys } from '../config/key.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import { verifyLicense } from '../license/license-file.ts';
import { graceMs, licensePhase, type License } from '../license/license.ts';

export interface LicenseSettings {
  readonly key: string;
  readonly path: string;
  readonly publicKeyPath: string;
}

export interface LicensePorts {
  readonly clock: Clock;
  readonly log: Log;
}

const checkMs = 60_000;
const tellMs = 3_600_000;

export function licenseSettings(config: unknown): LicenseSettings {
  const enterprise = config as Config<{ readonly enterprise: typeof enterpriseKeys }>;
  return {
    key: enterprise.get('enterprise', 'license-key'),
    path: enterprise.get('enterprise', 'license-path'),
    publicKeyPath: enterprise.get('enterprise', 'license-public-key-path'),
  };
}

/** The licence that a daemon runs under (spec F2 to F7): checked at start, watched, replaced by a newer one. */
export class LicenseKeeper {
  readonly #ports: LicensePorts;
  #license: License;
  #timer: Timer | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  private constructor(ports: LicensePorts, license: License) {
    this.#ports = ports;
    this.#license = license;
  }

  /** Throws license_invalid: without a valid one a daemon must not start (spec F4). */
  static open(settings: LicenseSettings, ports: LicensePorts): LicenseKeeper {
    return new LicenseKeeper(ports, readLicense(settings, wallMs(ports)));
  }

  get current(): License {
    return this.#license;
  }

  /**
   * Tells each hour of a licence that has expired. `onEnd` is called once its grace is over too; without it, as on a
   * meta node, the node goes on: the reference speaks of data nodes only (spec F5).
   */
  watch(onEnd?: () => void): void {
    this.#timer = this.#ports.clock.every(checkMs, () => {
      this.#check(onEnd);
    });
  }

  /** Takes the licence that the files hold now; an invalid one changes nothing (spec F7). */
  reload(settings: LicenseSettings): void {
    const { log } = this.#ports;
    try {
      const license = readLicense(settings, wallMs(this.#ports));
      if (license.coresMax !== this.#license.coresMax)
        log.warn('The number of cores of the new license takes a restart', {
          coresMax: license.coresMax,
        });
      this.#license = license;
      this.#toldAtMs = Number.NEGATIVE_INFINITY;
      log.info('Reloaded the license', { id: license.id, expiry: expiryOf(license) });
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      log.error('The license was not reloaded, the one before stays', { error: error.message });
    }
  }

  close(): void {
    this.#timer?.cancel();
  }

  #check(onEnd: (() => void) | undefined): void {
    const { log } = this.#ports;
    const license = this.#license;
    const nowMs = wallMs(this.#ports);
    const phase = licensePhase(license, nowMs);
    if (phase === 'valid') return;
    const isEnd = phase === 'expired' && onEnd !== undefined;
    if (!isEnd && nowMs - this.#toldAtMs < tellMs) return;
    this.#toldAtMs = nowMs;
    const expiry = expiryOf(license);
    if (isEnd) {
      log.error('The license and its grace have expired, the node stops', { expiry });
      this.close();
      onEnd();
    } else if (onEnd === undefined) {
      log.warn('The license has expired, the next start will fail', { expiry });
    } else {
      const stopsAt = new Date(license.expiresAtMs + graceMs).toISOString();
      log.warn('The license has expired, the node goes on for its grace', { expiry, stopsAt });
    }
  }
}

function readLicense(settings: LicenseSettings, nowMs: number): License {
  const { key, path, publicKeyPath } = settings;
  if (key !== '' && path !== '')
    throw failed('[enterprise] license-key and license-path are both set, set one');
  if (key !== '')
    throw failed('[enterprise] license-key is not supported in this version, use license-path');
  if (path === '') throw failed('[enterprise] license-path is not set');
  if (publicKeyPath === '') throw failed('[enterprise] license-public-key-path is not set');
  return verifyLicense(readText(path), [readText(publicKeyPath)], nowMs);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw failed(errorText(error));
  }
}

function failed(why: string): DbError {
  return new DbError('license_invalid', `license key verification failed: ${why}`);
}

function expiryOf({ expiresAtMs }: License): string {
  return new Date(expiresAtMs).toISOString();
}

function wallMs({ clock }: LicensePorts): number {
  return Number(clock.wallNs() / 1_000_000n);
}
