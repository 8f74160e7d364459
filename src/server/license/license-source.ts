/**
 * Where a daemon's licence comes from: a file (`license-path`, spec F2), or the portal (`license-key`, spec F1).
 *
 * `license.json` in the `[meta] dir` is the licence that the portal gave last. It is verified like one that has just come, so
 * that a file that somebody put there counts for nothing.
 */
import { readFileSync } from 'node:fs';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import type { Outbound } from '../../env/outbound.ts';
import { exchangePath, exchangeRequest, licenseTextOf, verifyKeyLicense } from '../../license/key-exchange.ts'; // prettier-ignore
import { licenseInvalid, verifyLicense } from '../../license/license-file.ts';
import type { License } from '../../license/license.ts';

export interface LicenseSettings {
  readonly key: string;
  readonly path: string;
  readonly publicKeyPath: string;
  readonly portalUrl: string;
  /** Where the portal's licence is kept. */
  readonly folder: string;
}

export interface LicensePorts {
  readonly clock: Clock;
  readonly disk: Pick<Disk, 'makeDir' | 'readFile' | 'replaceFile'>;
  readonly log: Log;
  readonly outbound: Outbound;
}

export interface LicenseSource {
  /** True when it gives temporary licences, which are to be asked for again. */
  readonly isRenewed: boolean;
  /** At a start. Throws license_invalid: without one the daemon must not start (spec F4). */
  first(): Promise<License>;
  /** While the daemon runs. Throws license_invalid, also when the portal is away, and when the signal ends it. */
  again(signal?: AbortSignal): Promise<License>;
}

/** A start waits for no longer than this when the portal takes the connection and says nothing. */
const exchangeMsMax = 5_000;
/** Without a licence on disk a portal that is just starting is asked again before the daemon gives up. */
const firstPausesMs = [500, 1_500];

/** Throws license_invalid when the settings name none, or two. */
export function licenseSource(settings: LicenseSettings, ports: LicensePorts): LicenseSource {
  const { key, path, publicKeyPath } = settings;
  if (key !== '' && path !== '')
    throw licenseInvalid('[enterprise] license-key and license-path are both set, set one');
  if (key === '' && path === '')
    throw licenseInvalid('[enterprise] neither license-key nor license-path is set');
  if (publicKeyPath === '') throw licenseInvalid('[enterprise] license-public-key-path is not set');
  return key === '' ? new FileSource(settings, ports) : new PortalSource(settings, ports);
}

export function wallMs(clock: Clock): number {
  return Number(clock.wallNs() / 1_000_000n);
}

class FileSource implements LicenseSource {
  readonly isRenewed = false;
  readonly #settings: LicenseSettings;
  readonly #clock: Clock;

  constructor(settings: LicenseSettings, { clock }: LicensePorts) {
    this.#settings = settings;
    this.#clock = clock;
  }

  first(): Promise<License> {
    return this.again();
  }

  again(): Promise<License> {
    const { path, publicKeyPath } = this.#settings;
    return Promise.resolve().then(() =>
      verifyLicense(readText(path), [readText(publicKeyPath)], wallMs(this.#clock)),
    );
  }
}

class PortalSource implements LicenseSource {
  readonly isRenewed = true;
  readonly #settings: LicenseSettings;
  readonly #ports: LicensePorts;
  readonly #url: URL;

  constructor(settings: LicenseSettings, ports: LicensePorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#url = exchangeUrl(settings.portalUrl);
  }

  async first(): Promise<License> {
    const kept = await this.#kept();
    for (const pauseMs of kept === undefined ? firstPausesMs : []) {
      try {
        return await this.again();
      } catch (error) {
        if (!isAway(error)) throw error;
        await this.#ports.clock.sleep(pauseMs);
      }
    }
    try {
      return await this.again();
    } catch (error) {
      if (!isDbError(error, 'license_invalid') || kept === undefined) throw error;
      const expiry = new Date(kept.expiresAtMs).toISOString();
      const fields = { error: error.message, expiry };
      this.#ports.log.warn('The license key was not exchanged, the license on disk counts', fields);
      return kept;
    }
  }

  async again(signal = new AbortController().signal): Promise<License> {
    const text = licenseTextOf(await this.#exchange(signal));
    const license = this.#verify(text);
    await this.#keep(text);
    return license;
  }

  async #exchange(
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { outbound } = this.#ports;
    const body = new TextEncoder().encode(exchangeRequest(this.#settings.key));
    try {
      return await outbound.post(this.#url.href, body, {
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        deadlineMs: exchangeMsMax,
        signal,
        trust: { isVerified: true },
      });
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      throw licenseInvalid(`the portal at ${this.#url.origin} is away: ${error.message}`, error);
    }
  }

  /** What the portal gave before, when it still counts. */
  async #kept(): Promise<License | undefined> {
    let text: string;
    try {
      text = new TextDecoder().decode(await this.#ports.disk.readFile(this.#path));
    } catch (error) {
      if (isDbError(error, 'not_found')) return undefined;
      throw error;
    }
    try {
      return this.#verify(text);
    } catch (error) {
      if (!isDbError(error, 'license_invalid')) throw error;
      this.#ports.log.warn('The license on disk does not count', { error: error.message });
      return undefined;
    }
  }

  /** A disk that takes nothing costs the next start the portal, not this one. */
  async #keep(text: string): Promise<void> {
    const { disk, log } = this.#ports;
    try {
      await disk.makeDir(this.#settings.folder);
      await disk.replaceFile(this.#path, new TextEncoder().encode(text));
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      log.warn('The license of the portal was not kept', { error: error.message });
    }
  }

  #verify(text: string): License {
    const { key, publicKeyPath } = this.#settings;
    const publicKeysPem = [readText(publicKeyPath)];
    return verifyKeyLicense(text, { key, publicKeysPem, nowMs: wallMs(this.#ports.clock) });
  }

  get #path(): string {
    return `${this.#settings.folder}/license.json`;
  }
}

function exchangeUrl(portalUrl: string): URL {
  if (portalUrl === '') throw licenseInvalid('[enterprise] license-portal-url is not set');
  const url = URL.canParse(portalUrl) ? new URL(portalUrl) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw licenseInvalid(`[enterprise] license-portal-url is not an http or https address: ${portalUrl}`); // prettier-ignore
  url.pathname = `${url.pathname.replace(/\/$/, '')}${exchangePath}`;
  return url;
}

/** A portal that has said no is not asked again. */
function isAway(error: unknown): boolean {
  return isDbError(error, 'license_invalid') && error.cause instanceof DbError;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw licenseInvalid(errorText(error));
  }
}
