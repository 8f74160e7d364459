/** Says what failed without saying it for each of thousands of shards. */
import { errorText } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import { QuietLog } from '../../../env/quiet-log.ts';

const quietMs = 1_000;

export class FailureLog {
  readonly #log: Pick<Log, 'error'>;
  readonly #quiet: QuietLog;

  constructor({
    clock,
    log,
  }: {
    readonly clock: Pick<Clock, 'monotonicMs'>;
    readonly log: Pick<Log, 'error'>;
  }) {
    this.#log = log;
    this.#quiet = new QuietLog(clock, quietMs);
  }

  failed(name: string, error: unknown): void {
    this.#quiet.say(name, (others) => {
      this.#log.error('A task of the store failed', { name, error: errorText(error), ...others });
    });
  }
}
