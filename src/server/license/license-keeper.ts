import { DbError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { enterpriseKeys } from '../../config/key.ts';
import type { metaKeys } from '../../config/meta-keys.ts';
import type { Timer } from '../../env/clock.ts';
import { graceMs, licensePhase, type License } from '../../license/license.ts';
import { LicenseRenewal } from './license-renewal.ts';
import { licenseSource, wallMs, type LicensePorts, type LicenseSettings, type LicenseSource } from './license-source.ts'; // prettier-ignore

const checkMs = 60_000;
const tellMs = 3_600_000;

/** Of a configuration of either daemon. */
export function licenseSettings(config: unknown): LicenseSettings {
  type Keys = { readonly enterprise: typeof enterpriseKeys; readonly meta: Pick<(typeof metaKeys)['meta'], 'dir'> }; // prettier-ignore
  const keys = config as Config<Keys>;
  return {
    key: keys.get('enterprise', 'license-key'),
    path: keys.get('enterprise', 'license-path'),
    publicKeyPath: keys.get('enterprise', 'license-public-key-path'),
    portalUrl: keys.get('enterprise', 'license-portal-url'),
    folder: keys.get('meta', 'dir'),
  };
}

/** The licence that a daemon runs under (spec F1 to F7): checked at start, watched, renewed, replaced by a newer one. */
export class LicenseKeeper {
  readonly #ports: LicensePorts;
  #license: License;
  #renewal: LicenseRenewal | undefined;
  #timer: Timer | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #reloading: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  private constructor(ports: LicensePorts, license: License, source: LicenseSource) {
    this.#ports = ports;
    this.#license = license;
    this.#renewal = this.#renewalOf(source);
  }

  /** Throws license_invalid: without a valid one a daemon must not start (spec F4). */
  static async open(settings: LicenseSettings, ports: LicensePorts): Promise<LicenseKeeper> {
    const source = licenseSource(settings, ports);
    return new LicenseKeeper(ports, await source.first(), source);
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

  /** Takes the licence that the settings lead to now; one that is invalid changes nothing (spec F7). */
  reload(settings: LicenseSettings): void {
    this.#reloading = this.#reloading.then(() => this.#reload(settings));
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('cancelled', 'the node stops'));
    this.#timer?.cancel();
    await this.#reloading;
    await this.#renewal?.close();
  }

  async #reload(settings: LicenseSettings): Promise<void> {
    const { log } = this.#ports;
    try {
      const source = licenseSource(settings, this.#ports);
      const license = await source.again(this.#closing.signal);
      await this.#renewal?.close();
      if (this.#closing.signal.aborted) return;
      this.#take(license);
      this.#renewal = this.#renewalOf(source);
      log.info('Reloaded the license', { id: license.id, expiry: expiryOf(license) });
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      log.error('The license was not reloaded, the one before stays', { error: error.message });
    }
  }

  #renewalOf(source: LicenseSource): LicenseRenewal | undefined {
    if (!source.isRenewed) return undefined;
    const onRenewed = (license: License): void => {
      this.#take(license);
    };
    return new LicenseRenewal(this.#ports, source, { license: this.#license, onRenewed });
  }

  #take(license: License): void {
    const { coresMax } = license;
    if (coresMax !== this.#license.coresMax)
      this.#ports.log.warn('The number of cores of the new license takes a restart', { coresMax });
    this.#license = license;
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
  }

  #check(onEnd: (() => void) | undefined): void {
    const { log } = this.#ports;
    const license = this.#license;
    const nowMs = wallMs(this.#ports.clock);
    const phase = licensePhase(license, nowMs);
    if (phase === 'valid') return;
    const isEnd = phase === 'expired' && onEnd !== undefined;
    if (!isEnd && nowMs - this.#toldAtMs < tellMs) return;
    this.#toldAtMs = nowMs;
    const expiry = expiryOf(license);
    if (isEnd) {
      log.error('The license and its grace have expired, the node stops', { expiry });
      this.#timer?.cancel();
      onEnd();
    } else if (onEnd === undefined) {
      log.warn('The license has expired, the next start will fail', { expiry });
    } else {
      const stopsAt = new Date(license.expiresAtMs + graceMs).toISOString();
      log.warn('The license has expired, the node goes on for its grace', { expiry, stopsAt });
    }
  }
}

function expiryOf({ expiresAtMs }: License): string {
  return new Date(expiresAtMs).toISOString();
}
