/**
 * Copies of what this node takes from its clients, for the subscribers of the database and policy (spec F53). The node that
 * took a write forwards it, once; owners that it sends copies to forward nothing.
 *
 * Invariants:
 * - A writer waits for nothing here: points are prepared elsewhere and queued within bounds, or dropped and counted.
 * - What is forwarded follows the catalog: a subscription that is gone sends nothing more.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Outbound, TlsTrust } from '../../env/outbound.ts';
import type { CatalogWatch, MetaAccess } from '../../meta/client/meta-access.ts';
import type { Subscription } from '../../meta/model/catalog.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import { openDestination, type PointLines } from './destination.ts';
import { Forwarder } from './forwarder.ts';

/** A body as it was written. */
export interface ForwardedWrite {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
}

export interface SubscriptionsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog'> & CatalogWatch;
  readonly outbound: Outbound;
  /** The lines of a body as subscribers get them. */
  readonly prepare: (write: ForwardedWrite) => Promise<{
    readonly lines: Uint8Array;
    readonly ends: Uint32Array;
    readonly unprintableCount: number;
  }>;
}

/** Of `[subscriber]`. */
export interface SubscriptionsOptions {
  readonly timeoutMs: number;
  readonly concurrencyMax: number;
  readonly requestsMax: number;
  /** Of all subscriptions together, the same for each; 0 is no limit. */
  readonly bytesMax: number;
  readonly trust: TlsTrust;
}

/** Bodies that wait to be prepared. */
const preparingBytesMax = 64 * MiB;
/** The catalog changes often; subscriptions do not. */
const lookPauseMs = 100;
/** How long a stop waits for what is on its way. */
const drainMs = 2_000;

interface Entry {
  readonly subscription: Subscription;
  readonly forwarder: Forwarder | undefined;
}

export class Subscriptions {
  readonly #ports: SubscriptionsPorts;
  readonly #options: SubscriptionsOptions;
  /** By database and policy, then by name. */
  #entries = new Map<string, Map<string, Entry>>();
  readonly #tasks: Tasks;
  readonly #unwatch: () => void;
  #look: Timer | undefined;
  #preparingBytes = 0;
  #createFailures = 0;
  #pointsWritten = 0;
  #writeFailures = 0;
  #isClosed = false;

  constructor(ports: SubscriptionsPorts, options: SubscriptionsOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the subscriber service failed', { name, error: errorText(error) });
    });
    this.#unwatch = ports.meta.watch(({ before, after }) => {
      if (before.databases !== after.databases) this.#lookSoon();
    });
    this.#follow();
    ports.log.info('Opened service');
  }

  areFor(database: string, retentionPolicy: string): boolean {
    return this.#entries.has(placeOf(database, retentionPolicy));
  }

  /** False when there is no room for it. */
  send(write: ForwardedWrite): boolean {
    const entries = this.#entries.get(placeOf(write.database, write.retentionPolicy));
    if (entries === undefined || this.#isClosed) return true;
    const { length } = write.body;
    if (this.#preparingBytes > 0 && this.#preparingBytes + length > preparingBytesMax) {
      for (const { forwarder } of entries.values()) forwarder?.drop('Write rejected, queue over byte limit'); // prettier-ignore
      return false;
    }
    this.#preparingBytes += length;
    const sent = this.#prepare(write).finally(() => {
      this.#preparingBytes -= length;
    });
    this.#tasks.spawn('forward', sent);
    return true;
  }

  statistics(): readonly Statistic[] {
    const forwarders = this.#forwarders();
    const memUsage = forwarders.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
    const values = {
      createFailures: this.#createFailures,
      memUsage,
      pointsWritten: this.#pointsWritten,
      writeFailures: this.#writeFailures,
    };
    const own = { name: 'subscriber', tags: {}, values };
    return [own, ...forwarders.flatMap((forwarder) => forwarder.statistics())];
  }

  /** Gives what is on its way a moment to arrive. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    this.#look?.cancel();
    const forwarders = this.#forwarders();
    const given = this.#ports.clock.sleep(drainMs);
    await Promise.race([
      given,
      this.#tasks.settled().then(() => Promise.all(forwarders.map((one) => one.drained()))),
    ]);
    await Promise.all(forwarders.map((forwarder) => forwarder.close()));
    await this.#ports.outbound.close();
    this.#ports.log.info('Closed service');
  }

  async #prepare(write: ForwardedWrite): Promise<void> {
    const { database, retentionPolicy } = write;
    const { lines, ends, unprintableCount } = await this.#ports.prepare(write);
    this.#writeFailures += unprintableCount;
    if (ends.length === 0) return;
    // Those of now: one may have gone meanwhile.
    const entries = this.#entries.get(placeOf(database, retentionPolicy)) ?? new Map<string, Entry>(); // prettier-ignore
    const points: PointLines = { database, retentionPolicy, lines, ends };
    for (const { forwarder } of entries.values()) forwarder?.offer(points);
  }

  #lookSoon(): void {
    this.#look ??= this.#ports.clock.after(lookPauseMs, () => {
      this.#look = undefined;
      this.#follow();
    });
  }

  /** Makes the forwarders those of the catalog; one that is as it was goes on. */
  #follow(): void {
    const { databases } = this.#ports.meta.catalog;
    const before = this.#entries;
    const entries = new Map<string, Map<string, Entry>>();
    for (const { name: database, retentionPolicies } of databases)
      for (const { name: retentionPolicy, subscriptions = [] } of retentionPolicies) {
        if (subscriptions.length === 0) continue;
        const place = placeOf(database, retentionPolicy);
        const all = new Map<string, Entry>();
        entries.set(place, all);
        for (const subscription of subscriptions) {
          const known = before.get(place)?.get(subscription.name);
          const isSame = known !== undefined && isEqual(known.subscription, subscription);
          const entry = isSame ? known : this.#open({ database, retentionPolicy }, subscription);
          all.set(subscription.name, entry);
        }
      }
    this.#entries = entries;
    const kept = new Set(this.#forwarders());
    for (const [place, all] of before)
      for (const { forwarder } of all.values())
        if (forwarder !== undefined && !kept.has(forwarder)) {
          this.#ports.log.info('Deleted old subscription', fieldsOf(place));
          this.#tasks.spawn('end of a subscription', forwarder.close());
        }
    const { bytesMax } = this.#options;
    const share = bytesMax === 0 ? 0 : Math.max(1, Math.floor(bytesMax / Math.max(1, kept.size)));
    for (const forwarder of kept) forwarder.limitTo(share);
  }

  #open(
    place: { readonly database: string; readonly retentionPolicy: string },
    subscription: Subscription,
  ): Entry {
    const { clock, log, outbound } = this.#ports;
    const { name, mode, destinations } = subscription;
    const fields = fieldsOf(placeOf(place.database, place.retentionPolicy));
    try {
      const opened = destinations.map((url) => openDestination(outbound, url, this.#options));
      const ports = {
        clock,
        log,
        onSent: (count: number) => {
          this.#pointsWritten += count;
        },
        onFailed: () => {
          this.#writeFailures++;
        },
      };
      const forwarder = new Forwarder(ports, opened, { ...place, name, mode, ...this.#options });
      log.info('Added new subscription', fields);
      return { subscription, forwarder };
    } catch (error) {
      this.#createFailures++;
      log.info('Subscription creation failed', { name, error: errorText(error) });
      return { subscription, forwarder: undefined };
    }
  }

  #forwarders(): readonly Forwarder[] {
    return [...this.#entries.values()].flatMap((all) =>
      [...all.values()].flatMap(({ forwarder }) => forwarder ?? []),
    );
  }
}

function placeOf(database: string, retentionPolicy: string): string {
  return JSON.stringify([database, retentionPolicy]);
}

function fieldsOf(place: string): { readonly db_instance: string; readonly db_rp: string } {
  const [db_instance, db_rp] = JSON.parse(place) as [string, string];
  return { db_instance, db_rp };
}

function isEqual(left: Subscription, right: Subscription): boolean {
  return (
    left.mode === right.mode &&
    left.destinations.length === right.destinations.length &&
    left.destinations.every((url, i) => url === right.destinations[i])
  );
}
