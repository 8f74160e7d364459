import { formatRfc3339 } from '../base/rfc3339.ts';
import { microsecondNs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Log, LogFields } from '../env/log.ts';
import { formatGoDuration } from '../influxql/duration.ts';

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
    const range = { start: formatRfc3339(startNs), end: formatRfc3339(endNs) };
    const place: LogFields = { ...operation, name, db_instance: database };
    log.info('Continuous query execution (start)', { ...operation, op_event: 'start' });
    log.info('Executing continuous query', { ...place, ...range });
    return (done) => {
      if (done !== undefined) {
        const { writtenCount: written, durationNs } = done;
        const duration = formatGoDuration(durationNs);
        log.info('Finished continuous query', { ...place, written, ...range, duration });
      }
      const elapsedNs = clock.wallNs() - startedNs;
      const op_elapsed = formatGoDuration(elapsedNs - (elapsedNs % microsecondNs));
      log.info('Continuous query execution (end)', { ...operation, op_event: 'end', op_elapsed });
    };
  }
}
