/**
 * The points of one subscription on their way (spec F53, F54).
 *
 * Invariants:
 * - offer() neither waits nor throws: past `requestsMax` requests, or `bytesMax` bytes, points are dropped and counted.
 * - ALL: each destination gets them, whatever the others did. ANY: one that takes them, the next in turn first.
 * - What was sent is not sent again: a receiver gets a point at most once for each time it was written.
 */
import { shownAddress } from '../../base/shown-address.ts';
import { DbError, errorText } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { Clock } from '../../env/clock.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import type { Destination, PointLines } from './destination.ts';

export interface ForwarderOptions {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly name: string;
  readonly mode: 'ALL' | 'ANY';
  /** `[subscriber] write-concurrency`. */
  readonly concurrencyMax: number;
  /** `[subscriber] write-buffer-size`. */
  readonly requestsMax: number;
}

export interface ForwarderPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of points that every destination took, or one of ANY, and of requests that failed or were dropped. */
  readonly onSent: (pointCount: number) => void;
  readonly onFailed: () => void;
}

interface Counted {
  readonly destination: Destination;
  pointsWritten: number;
  writeFailures: number;
}

/** A receiver that is away would otherwise fill the log. */
const warnPauseMs = 10_000;

export class Forwarder {
  readonly #ports: ForwarderPorts;
  readonly #options: ForwarderOptions;
  readonly #destinations: readonly Counted[];
  readonly #closing = new AbortController();
  #waiting: PointLines[] = [];
  #queuedBytes = 0;
  #bytesMax = 0;
  #running = new Set<Promise<void>>();
  #next = 0;
  #quietUntilMs = 0;
  #unsaidCount = 0;

  constructor(
    ports: ForwarderPorts,
    destinations: readonly Destination[],
    options: ForwarderOptions,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#destinations = destinations.map((destination) => ({
      destination,
      pointsWritten: 0,
      writeFailures: 0,
    }));
  }

  /** Bytes of points that wait or are on their way. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** 0 is no limit. What waits already stays. */
  limitTo(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  offer(points: PointLines): void {
    if (this.#closing.signal.aborted) return;
    const bytes = sizeOf(points);
    const isOver = this.#bytesMax > 0 && this.#queuedBytes + bytes > this.#bytesMax;
    const isFull = this.#waiting.length >= this.#options.requestsMax && !this.#hasTurn;
    if (isOver || isFull) {
      this.drop(isOver ? 'Write rejected, queue over byte limit' : 'Write rejected, queue full');
      return;
    }
    this.#queuedBytes += bytes;
    this.#waiting.push(points);
    this.#pump();
  }

  /** Counts points that could not be taken, and says so now and then. */
  drop(reason: string, fields: Readonly<Record<string, string>> = {}): void {
    this.#ports.onFailed();
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs < this.#quietUntilMs) {
      this.#unsaidCount++;
      return;
    }
    const { name, database: db_instance, retentionPolicy: db_rp } = this.#options;
    const more = this.#unsaidCount > 0 ? { before: this.#unsaidCount } : {};
    this.#ports.log.warn(reason, { name, db_instance, db_rp, ...fields, ...more });
    this.#unsaidCount = 0;
    this.#quietUntilMs = nowMs + warnPauseMs;
  }

  statistics(): readonly Statistic[] {
    const { database, retentionPolicy, name, mode } = this.#options;
    return this.#destinations.map(({ destination, pointsWritten, writeFailures }) => ({
      name: 'subscriber',
      tags: { database, destination: shownAddress(destination.url), mode, name, retention_policy: retentionPolicy }, // prettier-ignore
      values: { pointsWritten, writeFailures },
    }));
  }

  /** Resolves once nothing waits or is on its way. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Ends what is on its way, and drops what waits. */
  async close(): Promise<void> {
    this.#closing.abort(new DbError('cancelled', 'the subscription is gone'));
    this.#waiting = [];
    await this.drained();
  }

  get #hasTurn(): boolean {
    return this.#running.size < this.#options.concurrencyMax;
  }

  #pump(): void {
    while (this.#hasTurn) {
      const points = this.#waiting.shift();
      if (points === undefined) return;
      const task: Promise<void> = this.#send(points).finally(() => {
        this.#running.delete(task);
        this.#queuedBytes -= sizeOf(points);
        this.#pump();
      });
      this.#running.add(task);
    }
  }

  /** Never rejects. */
  async #send(points: PointLines): Promise<void> {
    const isAny = this.#options.mode === 'ANY';
    let failure: { readonly error: unknown; readonly url: string } | undefined;
    let sentCount = 0;
    for (const counted of this.#inTurn()) {
      try {
        await counted.destination.send(points, this.#closing.signal);
        counted.pointsWritten += points.ends.length;
        sentCount++;
        if (isAny) break;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        counted.writeFailures++;
        // Nobody's turn comes twice since the one before it is away.
        if (isAny) this.#passTurn();
        failure = { error, url: shownAddress(counted.destination.url) };
      }
    }
    const isDone = isAny ? sentCount > 0 : failure === undefined;
    if (isDone) this.#ports.onSent(points.ends.length);
    else if (failure !== undefined)
      this.drop('Write failed', {
        destination: failure.url,
        error: shownAddress(errorText(failure.error)),
      });
  }

  #passTurn(): void {
    this.#next = (this.#next + 1) % Math.max(1, this.#destinations.length);
  }

  /** All of them, from another one each time. */
  #inTurn(): readonly Counted[] {
    const first = this.#next;
    this.#passTurn();
    return [...this.#destinations.slice(first), ...this.#destinations.slice(0, first)];
  }
}

function sizeOf({ lines, ends, database, retentionPolicy }: PointLines): number {
  return lines.length + ends.byteLength + database.length + retentionPolicy.length;
}
