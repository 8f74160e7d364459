/**
 * Lines of a body as subscribers get them (spec F53), the reference's bytes: the key with its tags sorted, the fields as they
 * were written, the time in nanoseconds.
 */
import { exactBytesOf } from '../../../base/exact-text.ts';
import { LineErrors } from '../../../models/line-errors.ts';
import { endOfLine, readLineAt, type ReadLine } from '../../../models/line-protocol.ts';
import { seriesKey } from '../../../models/series-key.ts';

/** A copy of what was written: plain data, as it crosses threads. */
export interface ForwardTask {
  readonly body: Uint8Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
}

export interface ForwardedLines {
  /** Each with its newline. */
  readonly lines: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
  /** Points with names that cannot be printed: the reference keeps those to itself. */
  readonly unprintableCount: number;
}

const unprintable = /[\p{C}\p{Zl}\p{Zp}\uFFFD]|(?! )\p{Zs}/u;
/** Lines between two looks at the time. */
const linesPerLook = 256;

/** Lines that are no points are left out. `pause` lets others run. */
export async function forwardLines(
  { body, stepNs, defaultTimeNs }: ForwardTask,
  pause: () => Promise<void>,
): Promise<ForwardedLines> {
  const writer = new LineBuffer(body.length);
  const errors = new LineErrors();
  let unprintableCount = 0;
  let lineCount = 0;
  for (let at = 0; at < body.length;) {
    const end = endOfLine(body, at);
    const read = readLineAt(body.subarray(at, end), { stepNs, defaultTimeNs }, errors);
    at = end + 1;
    if (++lineCount % linesPerLook === 0) await pause();
    if (read === undefined) continue;
    if (isPrintable(read)) writer.add(read);
    else unprintableCount++;
  }
  return { ...writer.finish(), unprintableCount };
}

function isPrintable({ measurement, tags, fields }: ReadLine): boolean {
  if (unprintable.test(measurement)) return false;
  for (const { key, value } of tags)
    if (unprintable.test(key) || unprintable.test(value)) return false;
  for (const name of fields.keys()) if (unprintable.test(name)) return false;
  return true;
}

/** Grows by doubling. */
class LineBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #ends: number[] = [];
  #length = 0;

  constructor(bodyBytes: number) {
    this.#bytes = new Uint8Array(Math.max(64, bodyBytes + (bodyBytes >> 1)));
  }

  add({ measurement, tags, fieldBytes, timeNs }: ReadLine): void {
    this.#append(exactBytesOf(`${seriesKey(measurement, tags)} `));
    this.#append(fieldBytes);
    this.#append(exactBytesOf(` ${timeNs}\n`));
    this.#ends.push(this.#length);
  }

  finish(): { readonly lines: Uint8Array; readonly ends: Uint32Array } {
    return { lines: this.#bytes.slice(0, this.#length), ends: Uint32Array.from(this.#ends) };
  }

  #append(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#length);
    this.#length = needed;
  }
}
