/**
 * What the disk does not take now: said in the log as it begins, now and then while it lasts, and once it is over; and known to whoever
 * asks how the node is.
 */
import { errorText, isDbError } from '../base/errors.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

export interface DiskFailure {
  /** What could not be written. */
  readonly what: string;
  /** Without a path: it is told to anybody. */
  readonly reason: string;
}

/** Between two lines about the same. */
const quietMs = 10_000;
/** Whether there is room by now nobody knows where nothing is written; others try again with what they keep for this node within 200 s. */
const knownMs = 300_000;

interface Failing {
  readonly reason: string;
  readonly failedAtMs: number;
  readonly saidAtMs: number;
  readonly failures: number;
}

export class DiskFailures {
  readonly #ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Log };
  readonly #failing = new Map<string, Failing>();

  constructor(ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Log }) {
    this.#ports = ports;
  }

  /** Errors that are none of the disk are passed over. */
  failed(what: string, error: unknown): void {
    if (!isDbError(error, 'disk_full') && !isDbError(error, 'io_error')) return;
    const { clock, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    const before = this.#failing.get(what);
    const failures = (before?.failures ?? 0) + 1;
    const isSaid = before === undefined || nowMs - before.saidAtMs >= quietMs;
    if (isSaid) log.error('The disk does not take what is written', { what, failures, error: errorText(error) }); // prettier-ignore
    const saidAtMs = isSaid ? nowMs : before.saidAtMs;
    const reason = error.message.slice(error.message.lastIndexOf(': ') + 2);
    this.#failing.set(what, { reason, failedAtMs: nowMs, saidAtMs, failures });
  }

  succeeded(what: string): void {
    // Asked after each write.
    if (this.#failing.size === 0) return;
    const failing = this.#failing.get(what);
    if (failing === undefined) return;
    this.#failing.delete(what);
    this.#ports.log.info('The disk takes what is written again', { what, failures: failing.failures }); // prettier-ignore
  }

  get current(): readonly DiskFailure[] {
    const sinceMs = this.#ports.clock.monotonicMs() - knownMs;
    return [...this.#failing].flatMap(([what, { reason, failedAtMs }]) =>
      failedAtMs < sinceMs ? [] : [{ what, reason }],
    );
  }
}
