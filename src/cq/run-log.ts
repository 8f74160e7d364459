import { formatLogTime } from '../base/rfc3339.ts';
import { microsecondNs, millisecondNs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Log, LogFields } from '../env/log.ts';

/** The reference's lines around each run (`log-enabled`, spec F65). */
export class RunLog {
  readonly #clock: Clock;
  readonly #log: Log;
  #runCount = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** What it returns writes the lines of the end: undefined for a run that failed. */
  start(
    { database, name }: { readonly database: string; readonly name: string },
    { startNs, endNs }: { readonly startNs: bigint; readonly endNs: bigint },
  ): (done: { readonly writtenCount: bigint; readonly durationNs: bigint } | undefined) => void {
    const [clock, log] = [this.#clock, this.#log];
    const startedNs = clock.wallNs();
    const operation = { trace_id: `cq-${++this.#runCount}`, op_name: 'continuous_querier_execute' };
    const range = { start: formatLogTime(startNs), end: formatLogTime(endNs) };
    const place: LogFields = { ...operation, name, db_instance: database };
    log.info('Continuous query execution (start)', { ...operation, op_event: 'start' });
    log.info('Executing continuous query', { ...place, ...range });
    return (done) => {
      if (done !== undefined) {
        const { writtenCount: written, durationNs } = done;
        const duration = `${durationNs / millisecondNs}ms`;
        log.info('Finished continuous query', { ...place, written, ...range, duration });
      }
      const elapsedUs = Number((clock.wallNs() - startedNs) / microsecondNs);
      const op_elapsed = `${(elapsedUs / 1_000).toFixed(3)}ms`;
      log.info('Continuous query execution (end)', { ...operation, op_event: 'end', op_elapsed });
    };
  }
}
