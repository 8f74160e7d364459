import { Buffer } from 'node:buffer';
import { exactBytesOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';
import { MiB, millisecondNs } from '../../base/units.ts';
import { joinBytes, putUvarint } from '../../codec/bytes.ts';
import type { ColumnSeries } from '../../query/emit/result.ts';

/** Tags of the wire: a field's number and its wire type. */
const tags = { result: 0x0a, series: 0x0a, label: 0x0a, samples: 0x12, first: 0x0a, second: 0x12, value: 0x09, time: 0x10 }; // prettier-ignore

/** An answer is held whole, since its length stands before it. */
const answerBytesMax = 256 * MiB;
/** A sample takes so much at the most: tag, length, and the two fields. */
const sampleBytesMax = 22;

/** A ReadResponse of one result: series as they come, their pieces one after the other. Throws `too_large`. */
export class ReadResponse {
  readonly #done: Uint8Array[] = [];
  #doneBytes = 0;
  #labels: Uint8Array | undefined;
  #identity = '';
  #samples: Uint8Array[] = [];
  #samplesBytes = 0;

  /** Rows of one field, a float, and the tags that the series has. */
  add({ name = '', tags: labels = [], timesNs, values, start, end }: ColumnSeries): void {
    const identity = JSON.stringify([name, labels]);
    if (identity !== this.#identity || this.#labels === undefined) {
      this.#endSeries();
      this.#identity = identity;
      this.#labels = joinBytes(...labels.filter(([, value]) => value !== '').map(label));
    }
    const [column] = values;
    if (column?.type !== 'float') return;
    const bytes = Buffer.allocUnsafe((end - start) * sampleBytesMax);
    let at = 0;
    for (let row = start; row < end; row++) {
      if (column.valid !== undefined && column.valid[row] !== 1) continue;
      at = writeSample(bytes, at, { value: column.values[row] ?? 0, timeNs: timesNs[row] ?? 0n });
    }
    this.#samples.push(bytes.subarray(0, at));
    this.#samplesBytes += at;
    if (this.#doneBytes + this.#samplesBytes > answerBytesMax)
      throw new DbError('too_large', `the answer is larger than ${answerBytesMax} bytes`);
  }

  finish(): Uint8Array {
    this.#endSeries();
    return joinBytes([tags.result], lengthOf(this.#doneBytes), ...this.#done);
  }

  #endSeries(): void {
    if (this.#labels !== undefined && this.#samplesBytes > 0) {
      const parts = [this.#labels, ...this.#samples];
      const head = joinBytes([tags.series], lengthOf(this.#labels.length + this.#samplesBytes));
      this.#done.push(head, ...parts);
      this.#doneBytes += head.length + this.#labels.length + this.#samplesBytes;
    }
    this.#samples = [];
    this.#samplesBytes = 0;
    this.#labels = undefined;
  }
}

function label([name, value]: readonly [string, string]): Uint8Array {
  const inner = joinBytes(text(tags.first, name), text(tags.second, value));
  return joinBytes([tags.label], lengthOf(inner.length), inner);
}

function text(tag: number, value: string): Uint8Array {
  const bytes = exactBytesOf(value);
  return joinBytes([tag], lengthOf(bytes.length), bytes);
}

/** Where the next one begins. Fields that are 0 are left out, as protobuf has it. */
function writeSample(
  bytes: Buffer,
  start: number,
  { value, timeNs }: { readonly value: number; readonly timeNs: bigint },
): number {
  let at = start + 2;
  if (value !== 0) {
    bytes[at++] = tags.value;
    at = bytes.writeDoubleLE(value, at);
  }
  let timeMs = BigInt.asUintN(64, timeNs / millisecondNs);
  if (timeMs !== 0n) {
    bytes[at++] = tags.time;
    for (; timeMs >= 0x80n; timeMs >>= 7n) bytes[at++] = Number(timeMs & 0x7fn) | 0x80;
    bytes[at++] = Number(timeMs);
  }
  bytes[start] = tags.samples;
  bytes[start + 1] = at - start - 2;
  return at;
}

function lengthOf(lengthBytes: number): readonly number[] {
  const out: number[] = [];
  putUvarint(out, BigInt(lengthBytes));
  return out;
}
