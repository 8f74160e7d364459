/**
 * Asks for a temporary licence again when half of its time is over, and again and again while nobody gives one.
 *
 * Invariants: one request at a time; the licence in use stays until there is a newer one; after close() nothing runs.
 */
import { DbError } from '../../base/errors.ts';
import type { Timer } from '../../env/clock.ts';
import { renewalAtMs, type License } from '../../license/license.ts';
import { wallMs, type LicensePorts, type LicenseSource } from './license-source.ts';

/** Between two requests that failed: a sixteenth of the time that is for renewing, within these. */
const retryMsMin = 1_000;
const retryMsMax = 300_000;
const retriesWanted = 16;
/** Timers hold no more than 24 days; looked at again each day. */
const waitMsMax = 86_400_000;

export class LicenseRenewal {
  readonly #ports: LicensePorts;
  readonly #source: LicenseSource;
  readonly #onRenewed: (license: License) => void;
  #license: License;
  #timer: Timer | undefined;
  readonly #closing = new AbortController();
  #request: Promise<void> = Promise.resolve();

  constructor(
    ports: LicensePorts,
    source: LicenseSource,
    of: { readonly license: License; readonly onRenewed: (license: License) => void },
  ) {
    this.#ports = ports;
    this.#source = source;
    this.#license = of.license;
    this.#onRenewed = of.onRenewed;
    this.#arm(this.#leftMs);
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('cancelled', 'the license is not asked for any more'));
    this.#timer?.cancel();
    await this.#request;
  }

  get #leftMs(): number {
    return renewalAtMs(this.#license) - wallMs(this.#ports.clock);
  }

  #arm(waitMs: number): void {
    if (this.#closing.signal.aborted) return;
    const boundedMs = Math.min(waitMsMax, Math.max(retryMsMin, waitMs));
    this.#timer = this.#ports.clock.after(boundedMs, () => {
      if (this.#leftMs > 0) this.#arm(this.#leftMs);
      else this.#request = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { log } = this.#ports;
    try {
      const license = await this.#source.again(this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      this.#license = license;
      log.info('Renewed the license', { expiry: new Date(license.expiresAtMs).toISOString() });
      this.#onRenewed(license);
      this.#arm(this.#leftMs);
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      if (this.#closing.signal.aborted) return;
      const { expiresAtMs } = this.#license;
      const spanMs = expiresAtMs - renewalAtMs(this.#license);
      const pauseMs = Math.min(retryMsMax, Math.floor(spanMs / retriesWanted));
      const expiry = new Date(expiresAtMs).toISOString();
      log.warn('The license was not renewed, it is tried again', { error: error.message, expiry });
      this.#arm(pauseMs);
    }
  }
}
