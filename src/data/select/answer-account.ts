import { DbError } from '../../base/errors.ts';
import { GiB } from '../../base/units.ts';
import type { OutputSeries } from '../../query/emit/result.ts';

/** An answer is held whole until its last shard has answered. A bound of our own; the reference has none. */
export const answerBytesMax = GiB;

/** Counts what a query's answer takes of memory, and ends the query before it takes too much. */
export class AnswerAccount {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Throws `limit_exceeded`. */
  add(series: OutputSeries): void {
    if (series.kind !== 'columns') return;
    this.#bytes += series.timesNs.byteLength;
    for (const { values, valid } of series.values) {
      const isText = 'offsets' in values;
      this.#bytes += isText
        ? values.offsets.byteLength + values.bytes.byteLength
        : values.byteLength;
      this.#bytes += valid?.byteLength ?? 0;
    }
    if (this.#bytes <= this.#bytesMax) return;
    const text = `query memory limit exceeded: (${this.#bytes}/${this.#bytesMax} bytes)`;
    throw new DbError('limit_exceeded', `${text}; ask for less time, fewer series or use LIMIT`);
  }
}
