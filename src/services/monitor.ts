/**
 * The node's numbers over time (spec 1.11): each `store-interval` they become points of `store-database`, policy `monitor`,
 * which the first node to do so makes. Each point has the tag `hostname`.
 *
 * Invariant: one write at a time; what cannot be stored is lost, and said once until it can be again.
 */
import { exactBytesOf } from '../base/exact-text.ts';
import { Tasks } from '../base/async/tasks.ts';
import { errorText } from '../base/errors.ts';
import { dayNs } from '../base/units.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { MetaAccess } from '../meta/client/meta-access.ts';
import { findDatabase } from '../meta/model/catalog.ts';
import { escapeMeasurement, escapeTag } from '../models/series-key.ts';
import type { Statistic, Statistics } from '../telemetry/statistics.ts';

export interface MonitorPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'execute' | 'nodeId'>;
  readonly statistics: Pick<Statistics, 'read'>;
  readonly write: (request: {
    readonly database: string;
    readonly retentionPolicy: string;
    /** Line protocol in nanoseconds; it may move elsewhere. */
    readonly body: Uint8Array;
  }) => Promise<void>;
}

/** Of `[monitor]`. */
export interface MonitorOptions {
  readonly database: string;
  readonly intervalMs: number;
  readonly hostname: string;
}

/** As the reference makes it. */
const policyName = 'monitor';
const policy = { name: policyName, durationNs: 7n * dayNs, replication: 1 };
/** Of one body. */
const pointsMax = 5_000;

export class MonitorService {
  readonly #ports: MonitorPorts;
  readonly #options: MonitorOptions;
  readonly #tasks: Tasks;
  #timer: Timer;
  #isStoring = false;
  #isFailing = false;

  constructor(ports: MonitorPorts, options: MonitorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the monitor failed', { name, error: errorText(error) });
    });
    const { database: db_instance, intervalMs: interval } = options;
    ports.log.info('Storing statistics', { db_instance, db_rp: policyName, interval });
    this.#timer = this.#next();
  }

  /** Points of this moment, written whenever there is room: of a run of a continuous query. */
  record(line: {
    readonly name: string;
    readonly tags: Statistic['tags'];
    readonly values: Readonly<Record<string, bigint>>;
  }): void {
    // prettier-ignore
    const { name, tags, values } = line;
    const fields = Object.entries(values).map(([key, value]) => `${escapeTag(key)}=${value}i`);
    const text = `${this.#key(name, tags)} ${fields.join(',')} ${this.#ports.clock.wallNs()}\n`;
    this.#tasks.spawn('record', this.#store([text]));
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#tasks.settled();
    this.#ports.log.info('Terminating storage of statistics');
  }

  /** At the next multiple of the interval, so that points of all nodes have the same times. */
  #next(): Timer {
    const { clock } = this.#ports;
    const intervalNs = BigInt(Math.max(1, Math.round(this.#options.intervalMs))) * 1_000_000n;
    const nowNs = clock.wallNs();
    const atNs = nowNs - (nowNs % intervalNs) + intervalNs;
    return clock.after(Number(atNs - nowNs) / 1e6, () => {
      this.#timer = this.#next();
      if (!this.#isStoring) this.#tasks.spawn('statistics', this.#collect(atNs));
    });
  }

  async #collect(timeNs: bigint): Promise<void> {
    this.#isStoring = true;
    try {
      const statistics = await this.#ports.statistics.read();
      const lines = statistics.flatMap((statistic) => this.#line(statistic, timeNs) ?? []);
      await this.#store(lines);
    } finally {
      this.#isStoring = false;
    }
  }

  /** Never rejects. */
  async #store(lines: readonly string[]): Promise<void> {
    const { log, meta, write } = this.#ports;
    const { database } = this.#options;
    // A node of no cluster has nowhere to store anything.
    if (meta.nodeId === 0) return;
    try {
      if (findDatabase(meta.catalog, database) === undefined)
        await meta.execute({ kind: 'create-database', name: database, policy });
      for (let at = 0; at < lines.length; at += pointsMax) {
        const body = exactBytesOf(lines.slice(at, at + pointsMax).join(''));
        await write({ database, retentionPolicy: policyName, body });
      }
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.info('failed to store statistics', { error: errorText(error) });
      this.#isFailing = true;
    }
  }

  /** Integers, as all of the reference's numbers are; undefined for a statistic without any. */
  #line({ name, tags, values }: Statistic, timeNs: bigint): string | undefined {
    const fields = Object.entries(values).flatMap(([key, value]) =>
      Number.isFinite(value) ? [`${escapeTag(key)}=${BigInt(Math.round(value))}i`] : [],
    );
    if (fields.length === 0) return undefined;
    return `${this.#key(name, tags)} ${fields.join(',')} ${timeNs}\n`;
  }

  #key(name: string, tags: Statistic['tags']): string {
    const all = Object.entries({ ...tags, hostname: this.#options.hostname }).filter(([, value]) => value !== ''); // prettier-ignore
    const sorted = all.sort(([a], [b]) => (a < b ? -1 : 1));
    const parts = sorted.map(([key, value]) => `,${escapeTag(key)}=${escapeTag(value)}`);
    return escapeMeasurement(name) + parts.join('');
  }
}
