/**
 * A segment of a shard's index, open: series, tags and fields of measurements by range, through the cache. A series is known
 * by its number: measurements in order of their bytes, within one the series in order of their keys' bytes.
 *
 * Invariants:
 * - opening it reads its footer and what of it is gone, no more; all else is read when it is asked for, and checked;
 * - what it says does not change but for what is gone, which only becomes more;
 * - a page that is damaged makes what asked for it throw `corrupt`, with path and offset.
 */
import { crc32 } from 'node:zlib';
import { ByteSlab } from '../../base/byte-slab.ts';
import { BytesCursor } from '../../base/growing-bytes.ts';
import { isSketch, sketchBytes } from '../../base/collections/hyper-log-log.ts';
import { DbError } from '../../base/errors.ts';
import { Held } from '../../base/held.ts';
import type { TextPile } from '../../base/text-pile.ts';
import type { Disk } from '../../env/disk.ts';
import { mayHave } from './key-filter.ts';
import type { PageCache } from '../pages/page-cache.ts';
import { PageFile, pageSumBytes } from '../pages/page-file.ts';
import { postings } from './posting-list.ts';
import { SegmentGone } from './segment-gone.ts';
import { addWritten } from './series-name.ts';
import { decodeFooter, decodeMeasurement, footerBytes, putNumber, type SegmentMeasurement, type SegmentRoots, type SegmentSeal } from './segment-format.ts'; // prettier-ignore
import { SortedTable } from '../pages/sorted-table.ts';

/** A measurement of a segment by its number there. */
export interface FoundMeasurement extends SegmentMeasurement {
  readonly number: number;
}

/** A tag of a measurement by its number in the segment. */
export interface FoundTag {
  readonly number: number;
  readonly firstValue: number;
  readonly valueCount: number;
}

const headBytes = 4;
/** A sketch is wrong by one percent anyway. */
const goneShare = 128;

export class IndexSegment {
  readonly path: string;
  readonly seal: SegmentSeal;
  readonly gone: SegmentGone;
  readonly #pages: PageFile;
  readonly #roots: SegmentRoots;
  readonly #measurements: SortedTable;
  readonly #series: SortedTable;
  readonly #tags: SortedTable;
  readonly #values: SortedTable;
  readonly #held: Held;
  /** For keys that are asked for, mostly many in a row. */
  readonly #slab = new ByteSlab();
  /** The measurement that was asked for last. */
  #last: { readonly name: Uint8Array; readonly found: FoundMeasurement | undefined } | undefined;

  #lastName: { readonly measurement: number; readonly name: Uint8Array } | undefined;

  private constructor(
    pages: PageFile,
    parts: { readonly seal: SegmentSeal; readonly roots: SegmentRoots; readonly gone: SegmentGone },
  ) {
    this.path = pages.path;
    this.seal = parts.seal;
    this.gone = parts.gone;
    this.#pages = pages;
    this.#roots = parts.roots;
    this.#measurements = new SortedTable(pages, parts.roots.measurements, 0);
    this.#series = new SortedTable(pages, parts.roots.series, 1);
    this.#tags = new SortedTable(pages, parts.roots.tags, 2);
    this.#values = new SortedTable(pages, parts.roots.values, 3);
    this.#held = new Held(() => {
      // What was only read has nothing to lose by a close that fails.
      pages.close().catch(() => undefined);
    });
  }

  /** Throws `corrupt` with the path when it is not what `seal` says it was. */
  static async open(
    { disk, cache }: { readonly disk: Disk; readonly cache: PageCache },
    path: string,
    seal: SegmentSeal,
  ): Promise<IndexSegment> {
    const file = await disk.open(path, 'read');
    try {
      const damaged = new DbError('corrupt', `${path}: not what it was when it was written`);
      if (file.lengthBytes !== seal.lengthBytes || file.lengthBytes < footerBytes) throw damaged;
      const footer = new Uint8Array(footerBytes);
      await file.readAt(file.lengthBytes - footerBytes, footer);
      const roots = crc32(footer) === seal.footerCrc32 ? decodeFooter(footer) : undefined;
      if (roots === undefined) throw damaged;
      const { series, measurements } = roots;
      const counts = { series: series.count, measurements: measurements.count };
      const gone = await SegmentGone.read(disk, path, counts);
      return new IndexSegment(new PageFile(file, cache), { seal, roots, gone });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Keeps it readable until it is let go, retired or not. */
  hold(): () => void {
    return this.#held.hold();
  }

  /** Nobody takes hold of it any more. */
  retire(): void {
    this.#held.end();
  }

  /** What was found damaged of it, if anything was. */
  get damage(): DbError | undefined {
    return this.#pages.damage;
  }

  get seriesCount(): number {
    return this.#series.count;
  }

  get liveCount(): number {
    return this.#series.count - this.gone.series.count;
  }

  get measurementCount(): number {
    return this.#measurements.count;
  }

  measurementName(number: number): Uint8Array {
    return this.#measurements.key(number);
  }

  measurementAt(number: number): FoundMeasurement {
    const decoded = decodeMeasurement(this.#measurements.value(number));
    if (decoded === undefined || decoded.firstSeries + decoded.seriesCount > this.seriesCount)
      throw this.#pages.damaged(this.#roots.measurements.offset);
    return { number, ...decoded };
  }

  /** By its name as keys write it. */
  measurement(name: Uint8Array): FoundMeasurement | undefined {
    if (this.#last !== undefined && Buffer.compare(this.#last.name, name) === 0)
      return this.#last.found;
    const number = this.#measurements.find(name);
    const found = number < 0 ? undefined : this.measurementAt(number);
    this.#last = { name: name.slice(), found };
    return found;
  }

  /** How many of its series have points. */
  liveCountOf({ firstSeries, seriesCount }: FoundMeasurement): number {
    return seriesCount - this.gone.series.countIn(firstSeries, firstSeries + seriesCount);
  }

  /**
   * How many different series it has had, of a measurement or of all: registers of a HyperLogLog. Undefined when keys are to
   * be looked at instead, since they are few or many of them are gone: a sketch forgets none. A view.
   */
  sketch(found?: FoundMeasurement): Uint8Array | undefined {
    const { sketchOffset } = found ?? this.#roots;
    const count = found?.seriesCount ?? this.seriesCount;
    const liveCount = found === undefined ? this.liveCount : this.liveCountOf(found);
    if (sketchOffset === undefined || count - liveCount > count / goneShare) return undefined;
    const place = { offset: sketchOffset, lengthBytes: sketchBytes + pageSumBytes };
    return this.#pages.read(place, sketchPage).bytes;
  }

  /** The number of a series that has points; -1 when it is not there. `nameBytes` of the key are its measurement. */
  find(key: Uint8Array, hash: number, nameBytes: number): number {
    if (this.seriesCount === 0 || !mayHave(this.#pages, this.#roots.filter, hash)) return -1;
    const found = this.measurement(key.subarray(0, nameBytes));
    if (found === undefined) return -1;
    const wanted = new Uint8Array(headBytes + key.length - nameBytes);
    putNumber(found.number, wanted);
    wanted.set(key.subarray(nameBytes), headBytes);
    const number = this.#series.find(wanted);
    return number >= 0 && !this.gone.series.has(number) ? number : -1;
  }

  /** The key of a series. */
  key(number: number): Uint8Array {
    const leaf = this.#series.leafOf(number);
    const start = leaf.keyEnds[number - leaf.first] ?? 0;
    const end = leaf.keyEnds[number - leaf.first + 1] ?? 0;
    const name = this.#nameOf(numberAt(leaf.keys, start));
    const key = this.#slab.take(name.length + end - start - headBytes);
    key.set(name);
    for (let from = start + headBytes, to = name.length; from < end;) key[to++] = leaf.keys[from++] ?? 0; // prettier-ignore
    return key;
  }

  /** Writes the key of a series to `out` from `at` on; answers where it ends, or -1 when there is no room for it. */
  keyInto(number: number, out: Uint8Array, at: number): number {
    const leaf = this.#series.leafOf(number);
    const start = (leaf.keyEnds[number - leaf.first] ?? 0) + headBytes;
    const end = leaf.keyEnds[number - leaf.first + 1] ?? 0;
    const name = this.#nameOf(numberAt(leaf.keys, start - headBytes));
    const { keys } = leaf;
    const keyEnd = at + name.length + end - start;
    if (keyEnd > out.length) return -1;
    out.set(name, at);
    for (let from = start, to = at + name.length; from < end;) out[to++] = keys[from++] ?? 0;
    return keyEnd;
  }

  /** Asked for again for the next series. */
  #nameOf(measurement: number): Uint8Array {
    if (this.#lastName?.measurement !== measurement)
      this.#lastName = { measurement, name: this.measurementName(measurement) };
    return this.#lastName.name;
  }

  /** What of the key is behind the measurement: a view. */
  restOfKey(number: number): Uint8Array {
    return this.#series.key(number).subarray(headBytes);
  }

  measurementNumberOf(series: number): number {
    return numberAt(this.#series.key(series));
  }

  /** Keys of the tags of a measurement, as keys of series write them, with their numbers. */
  *tags({ firstTag, tagCount }: FoundMeasurement): Generator<readonly [Uint8Array, FoundTag]> {
    for (let number = firstTag; number < firstTag + tagCount; number++)
      yield [this.#tags.key(number).subarray(headBytes), this.#tagAt(number)];
  }

  tag({ number }: FoundMeasurement, key: Uint8Array): FoundTag | undefined {
    const wanted = new Uint8Array(headBytes + key.length);
    putNumber(number, wanted);
    wanted.set(key, headBytes);
    const found = this.#tags.find(wanted);
    return found < 0 ? undefined : this.#tagAt(found);
  }

  /** The values of a tag in order of their bytes, as keys write them, each with its number. */
  *values({ firstValue, valueCount }: FoundTag): Generator<readonly [Uint8Array, number]> {
    for (let number = firstValue; number < firstValue + valueCount; number++)
      yield [this.valueText(number), number];
  }

  /** The texts of those that a series with points has, likewise; a list is of one page. */
  *liveValueTexts({ firstValue, valueCount }: FoundTag): Generator<readonly string[]> {
    const end = firstValue + valueCount;
    for (let number = firstValue; number < end;) {
      const leaf = this.#values.leafOf(number);
      const leafEnd = Math.min(end, leaf.first + leaf.count);
      const texts: string[] = [];
      for (; number < leafEnd; number++)
        if (this.isLive(number)) texts.push(leaf.keyText(number - leaf.first, headBytes));
      yield texts;
    }
  }

  /** Adds those that a series with points has to a pile; a step is a page. */
  *liveValuesInto(
    { firstValue, valueCount }: FoundTag,
    pile: TextPile,
  ): Generator<undefined, void> {
    const end = firstValue + valueCount;
    for (let number = firstValue; number < end;) {
      const leaf = this.#values.leafOf(number);
      const leafEnd = Math.min(end, leaf.first + leaf.count);
      for (; number < leafEnd; number++) {
        if (!this.isLive(number)) continue;
        const i = number - leaf.first;
        addWritten(pile, leaf.keys, (leaf.keyEnds[i] ?? 0) + headBytes, leaf.keyEnds[i + 1] ?? 0);
      }
      if (number < end) yield;
    }
  }

  valueText(number: number): Uint8Array {
    return this.#values.key(number).subarray(headBytes);
  }

  /** The number of a value; -1 when it is not there. */
  value({ number }: FoundTag, value: Uint8Array): number {
    const wanted = new Uint8Array(headBytes + value.length);
    putNumber(number, wanted);
    wanted.set(value, headBytes);
    return this.#values.find(wanted);
  }

  /** The series that have a value, gone ones too, ascending. */
  seriesOf(value: number): Generator<number> {
    return postings(this.#pages, this.#values.value(value));
  }

  /** Whether a series that has points has the value. */
  isLive(value: number): boolean {
    if (this.gone.series.count === 0) return true;
    for (const number of this.seriesOf(value)) if (!this.gone.series.has(number)) return true;
    return false;
  }

  #tagAt(number: number): FoundTag {
    const cursor = new BytesCursor(this.#tags.value(number));
    const [firstValue, valueCount] = [cursor.varint(), cursor.varint()];
    if (cursor.isOver || firstValue + valueCount > this.#values.count)
      throw this.#pages.damaged(this.#roots.tags.offset);
    return { number, firstValue, valueCount };
  }
}

function sketchPage(
  bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly sizeBytes: number } | undefined {
  return isSketch(bytes) ? { bytes, sizeBytes: bytes.length } : undefined;
}

function numberAt(key: Uint8Array, at = 0): number {
  return (((key[at] ?? 0) << 24) | ((key[at + 1] ?? 0) << 16) | ((key[at + 2] ?? 0) << 8) | (key[at + 3] ?? 0)) >>> 0; // prettier-ignore
}
