import type { Clock } from '../../env/clock.ts';
import type { Log, LogFields } from '../../env/log.ts';

const periodMs = 1_000;
const linesMax = 10;
/** Of a text that somebody sent. */
const textCharactersMax = 1_024;

/**
 * What is wrong with what senders send, in the reference's words: some lines a second, and how many more there were. The reference
 * logs each, and one sender fills its disk.
 */
export class BadInputLog {
  readonly #ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Log };
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Log }) {
    this.#ports = ports;
  }

  /** Long texts are cut; `fields` is asked for those of a line that is written. */
  tell(message: string, fields: () => LogFields): void {
    this.#turn();
    if (this.#count++ >= linesMax) return;
    const cut = Object.entries(fields()).map(([key, value]) => {
      const isLong = typeof value === 'string' && value.length > textCharactersMax;
      return [key, isLong ? `${value.slice(0, textCharactersMax)}…` : value] as const;
    });
    this.#ports.log.info(message, Object.fromEntries(cut));
  }

  /** Tells what was left out, when the next period has begun. */
  #turn(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs - this.#periodStartMs < periodMs) return;
    const count = this.#count - linesMax;
    this.#periodStartMs = nowMs;
    this.#count = 0;
    if (count > 0) this.#ports.log.info('More of what was sent was bad', { count });
  }
}
