/** The lines of a place that have one shape, as the line kernel has listed them; their columns are gathered one by one. */
export interface RouteExports {
  collectedSeries(): number;
  collectedSeriesBytes(): number;
  collectedMin(): bigint;
  collectedMax(): bigint;
  collectedLines(): number;
  collectedOrdinals(): number;
  collectedSeriesPlaces(): number;
  writeSeriesOffsets(out: number): void;
  writeSeriesBytes(out: number): void;
  gatherWords(values: number, rows: number, count: number, out: number): void;

  gatherFieldWords(words: number, starts: number, lines: number, count: number, field: number, out: number): void; // prettier-ignore

  gatherFieldBytes(words: number, starts: number, lines: number, count: number, field: number, out: number): void; // prettier-ignore

  fieldTextBytes(words: number, starts: number, lines: number, count: number, field: number): number; // prettier-ignore

  gatherTexts(words: number, starts: number, lines: number, count: number, field: number, offsets: number, out: number): void; // prettier-ignore

  shapesValues(): number;
  shapesBytes(values: number, starts: number, heads: number, shapeCount: number, named: number): number; // prettier-ignore
  writeShapes(values: number, starts: number, times: number, heads: number, shapeCount: number, named: number, out: number): void; // prettier-ignore
}

export interface ShapePlaces {
  readonly count: number;
  readonly starts: number;
  readonly times: number;
  readonly values: number;
  /** Room for what is gathered. */
  readonly out: number;
}

interface KernelMemory {
  readonly of: WebAssembly.Memory;
  readonly reserve: (top: number) => void;
}

const paddingBytes = 64;

/** What its methods answer are views: they hold until the kernel is called again. */
export class RoutedShape {
  readonly #exports: RouteExports;
  readonly #memory: KernelMemory;
  readonly #places: ShapePlaces;

  constructor(exports: RouteExports, memory: KernelMemory, places: ShapePlaces) {
    this.#exports = exports;
    this.#memory = memory;
    this.#places = places;
  }

  get rowCount(): number {
    return this.#places.count;
  }

  ordinals(): Uint8Array {
    return this.#list(this.#exports.collectedOrdinals());
  }

  /** Numbers of the rows' series in the place. */
  series(): Uint8Array {
    return this.#list(this.#exports.collectedSeriesPlaces());
  }

  times(): Uint8Array {
    const { times, count, out } = this.#places;
    this.#exports.gatherWords(times, this.#lines, count, out);
    return new Uint8Array(this.#memory.of.buffer, out, count * 8);
  }

  /** Values of field number `field`, `width` 8 or 1 bytes each. */
  values(field: number, width: 1 | 8): Uint8Array {
    const { values, starts, count, out } = this.#places;
    if (width === 8) this.#exports.gatherFieldWords(values, starts, this.#lines, count, field, out);
    else this.#exports.gatherFieldBytes(values, starts, this.#lines, count, field, out);
    return new Uint8Array(this.#memory.of.buffer, out, count * width);
  }

  /** Bytes of the texts of field number `field`, which the calls below are to be told. */
  textBytes(field: number): number {
    const { values, starts, count } = this.#places;
    return this.#exports.fieldTextBytes(values, starts, this.#lines, count, field) >>> 0;
  }

  /** Offsets of the texts, one more than there are rows. */
  textOffsets(field: number, lengthBytes: number): Uint8Array {
    this.#gatherTexts(field, lengthBytes);
    return new Uint8Array(this.#memory.of.buffer, this.#places.out, (this.rowCount + 1) * 4);
  }

  texts(field: number, lengthBytes: number): Uint8Array {
    const at = this.#gatherTexts(field, lengthBytes);
    return new Uint8Array(this.#memory.of.buffer, at, lengthBytes);
  }

  #gatherTexts(field: number, lengthBytes: number): number {
    const { values, starts, count, out } = this.#places;
    const bytesAt = out + (count + 1) * 4;
    this.#memory.reserve(bytesAt + lengthBytes + paddingBytes);
    this.#exports.gatherTexts(values, starts, this.#lines, count, field, out, bytesAt);
    return bytesAt;
  }

  get #lines(): number {
    return this.#exports.collectedLines() >>> 0;
  }

  #list(ptr: number): Uint8Array {
    return new Uint8Array(this.#memory.of.buffer, ptr >>> 0, this.#places.count * 4);
  }
}
