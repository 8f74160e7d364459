/**
 * Line protocol through the WebAssembly kernel. Its slow twin is parseLines of models/line-protocol.ts: what the kernel
 * parses, it parses to the same points; what it does not take, the twin does.
 */
import { assert } from '../base/assert.ts';

const pageBytes = 65_536;
const pagesMax = 65_536;
const paddingBytes = 64;

interface LineExports {
  heapBase(): number;
  dictionaryBytes(): number;
  init(base: number): void;
  reset(): void;
  keys(): number;
  keyPointer(id: number): number;
  fieldSetTotal(): number;
  fieldSetPointer(id: number): number;
  leastTime(): bigint;
  greatestTime(): bigint;
  values(): number;
  countByte(ptr: number, length: number, byte: number): number;
  gatherWords(values: number, rows: number, count: number, out: number): void;

  gatherFieldWords(words: number, starts: number, lines: number, count: number, field: number, out: number): void; // prettier-ignore

  gatherFieldBytes(words: number, starts: number, lines: number, count: number, field: number, out: number): void; // prettier-ignore
  parse(
    body: number,
    length: number,
    keyIds: number,
    fieldSetIds: number,
    starts: number,
    times: number,
    values: number,
    step: bigint,
    defaultTime: bigint,
  ): number;
}

/** Lines of a body, by their numbers, placed where the kernel reads them. */
export interface PlacedLines {
  readonly ptr: number;
  readonly count: number;
}

/** Codes of FieldType. */
export interface KernelField {
  readonly name: string;
  readonly type: number;
}

/** The lines of a body as columns. Views of the kernel's memory: they hold until the next parse. */
export interface KernelLines {
  readonly lineCount: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly keyIds: Uint32Array;
  readonly fieldSetIds: Uint32Array;
  /** Index of each line's first value; the others follow, in the order of its field set. */
  readonly starts: Uint32Array;
  readonly timesNs: BigInt64Array;
  /** Two words a value: float64, int64, or 0 and 1; a text is its pointer and its length. */
  readonly words: Uint32Array;
  readonly memory: Uint8Array;
}

/** The highest bit of a text's length: it holds escapes. */
export const escapedText = 0x80000000;

export class LineKernel {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: LineExports;
  readonly #base: number;
  /** Of the columns of the body parsed last, and of room behind them. */
  #places = { times: 0, starts: 0, values: 0, work: 0 };
  #generation = 0;

  private constructor(memory: WebAssembly.Memory, exports: LineExports) {
    this.#memory = memory;
    this.#exports = exports;
    const start = exports.heapBase();
    this.#base = aligned(start + exports.dictionaryBytes());
    this.#reserve(this.#base);
    exports.init(start);
  }

  /** `module` is the kernels', compiled. */
  static create(module: WebAssembly.Module): LineKernel {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: pagesMax });
    const decoder = new TextDecoder();
    const slowFloat = (ptr: number, length: number): number =>
      Number(decoder.decode(new Uint8Array(memory.buffer, ptr, length)));
    const abort = (): void => {
      throw new Error('a kernel has aborted');
    };
    const imports = { env: { memory, slowFloat, abort } };
    const instance = new WebAssembly.Instance(module, imports);
    return new LineKernel(memory, instance.exports as unknown as LineExports);
  }

  /** Ids of keys and field sets are dense and hold until this grows. */
  get generation(): number {
    return this.#generation;
  }

  get keyCount(): number {
    return this.#exports.keys();
  }

  get fieldSetCount(): number {
    return this.#exports.fieldSetTotal();
  }

  /** The bytes of a key as they were written. */
  keyBytes(id: number): Uint8Array {
    const at = this.#exports.keyPointer(id);
    const { buffer } = this.#memory;
    return new Uint8Array(buffer, at + 4, new Uint32Array(buffer, at, 1)[0] ?? 0);
  }

  /** Names are as written, escapes and all. */
  fieldSet(id: number): readonly KernelField[] {
    const at = this.#exports.fieldSetPointer(id);
    const { buffer } = this.#memory;
    const count = new Uint32Array(buffer, at, 1)[0] ?? 0;
    const words = new Uint32Array(buffer, at + 16, count * 3);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return Array.from({ length: count }, (_, i) => {
      const [ptr = 0, length = 0, type = 0] = words.subarray(i * 3, i * 3 + 3);
      return { name: decoder.decode(new Uint8Array(buffer, ptr, length)), type };
    });
  }

  /** Places lines of the body parsed last for the calls below; one list at a time. */
  place(lines: Uint32Array): PlacedLines {
    const ptr = this.#places.work;
    new Uint32Array(this.#memory.buffer, ptr, lines.length).set(lines);
    return { ptr, count: lines.length };
  }

  /** The times of lines, 8 bytes each. A view: it holds until the next call. */
  timesOf({ ptr, count }: PlacedLines): Uint8Array {
    const out = aligned(ptr + count * 4);
    this.#exports.gatherWords(this.#places.times, ptr, count, out);
    return new Uint8Array(this.#memory.buffer, out, count * 8);
  }

  /** The values of field `field` of lines, `width` 8 or 1 bytes each. A view: it holds until the next call. */
  valuesOf({ ptr, count }: PlacedLines, field: number, width: 1 | 8): Uint8Array {
    const { starts, values } = this.#places;
    const out = aligned(ptr + count * 4);
    if (width === 8) this.#exports.gatherFieldWords(values, starts, ptr, count, field, out);
    else this.#exports.gatherFieldBytes(values, starts, ptr, count, field, out);
    return new Uint8Array(this.#memory.buffer, out, count * width);
  }

  /** Undefined when the body holds anything unusual: the slow twin has to parse it. */
  parse(body: Uint8Array, stepNs: bigint, defaultTimeNs: bigint): KernelLines | undefined {
    const lines = this.#parse(body, stepNs, defaultTimeNs);
    if (lines !== 'full') return lines;
    this.#exports.reset();
    this.#generation++;
    const again = this.#parse(body, stepNs, defaultTimeNs);
    return again === 'full' ? undefined : again;
  }

  #parse(
    body: Uint8Array,
    stepNs: bigint,
    defaultTimeNs: bigint,
  ): KernelLines | 'full' | undefined {
    const bodyAt = this.#base;
    const length = body.length + 1;
    this.#reserve(bodyAt + length + paddingBytes);
    const bytes = new Uint8Array(this.#memory.buffer, bodyAt, length + paddingBytes);
    bytes.set(body);
    bytes.fill(0, body.length);
    bytes[body.length] = 10;
    const lineMax = this.#exports.countByte(bodyAt, length, 10);
    const valueMax = this.#exports.countByte(bodyAt, length, 61);
    const keyIdsAt = aligned(bodyAt + length + paddingBytes);
    const fieldSetIdsAt = aligned(keyIdsAt + lineMax * 4);
    const startsAt = aligned(fieldSetIdsAt + lineMax * 4);
    const timesAt = aligned(startsAt + lineMax * 4);
    const valuesAt = aligned(timesAt + lineMax * 8);
    const workAt = aligned(valuesAt + valueMax * 8);
    this.#places = { times: timesAt, starts: startsAt, values: valuesAt, work: workAt };
    this.#reserve(workAt + lineMax * 16 + paddingBytes);
    const lineCount = this.#exports.parse(bodyAt, length, keyIdsAt, fieldSetIdsAt, startsAt, timesAt, valuesAt, stepNs, defaultTimeNs); // prettier-ignore
    if (lineCount < 0) return lineCount === -2 ? 'full' : undefined;
    const { buffer } = this.#memory;
    return {
      lineCount,
      minTimeNs: this.#exports.leastTime(),
      maxTimeNs: this.#exports.greatestTime(),
      keyIds: new Uint32Array(buffer, keyIdsAt, lineCount),
      fieldSetIds: new Uint32Array(buffer, fieldSetIdsAt, lineCount),
      starts: new Uint32Array(buffer, startsAt, lineCount),
      timesNs: new BigInt64Array(buffer, timesAt, lineCount),
      words: new Uint32Array(buffer, valuesAt, this.#exports.values() * 2),
      memory: new Uint8Array(buffer),
    };
  }

  #reserve(end: number): void {
    const missing = end - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    const pages = Math.ceil(missing / pageBytes);
    assert(
      this.#memory.buffer.byteLength / pageBytes + pages <= pagesMax,
      'a body fits the kernel',
    );
    this.#memory.grow(pages);
  }
}

function aligned(at: number): number {
  return (at + 15) & ~15;
}
