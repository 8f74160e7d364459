/**
 * Writes a segment front to back: measurements in order of their bytes; of each its series in order of theirs, then its
 * tags in order, with their values in order and the series of each. Memory is bounded by what is staged and four bytes a
 * series for the filter.
 */
import { crc32 } from 'node:zlib';
import { sketchRegisters } from '../../base/collections/hyper-log-log.ts';
import { hashBytes } from '../../base/hash-bytes.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { FieldType } from '../../models/field-value.ts';
import { writeFilter } from './key-filter.ts';
import { PageWriter } from '../pages/page-file.ts';
import { PostingWriter } from './posting-list.ts';
import { encodeFooter, encodeMeasurement, encodeTag, putNumber, sketchedSeriesMin, type SegmentSeal } from './segment-format.ts'; // prettier-ignore
import { SortedTableWriter } from '../pages/sorted-table.ts';
import type { KeyPart } from '../pages/table-page.ts';

const noBytes = new Uint8Array(0);
/** So much waits before it goes to the file. */
const stagedBytesMax = 1 << 20;

export class SegmentBuilder {
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #pages: PageWriter;
  readonly #measurements: SortedTableWriter;
  readonly #series: SortedTableWriter;
  readonly #tags: SortedTableWriter;
  readonly #values: SortedTableWriter;
  readonly #postings: PostingWriter;
  readonly #measurementHead = new Uint8Array(4);
  readonly #tagHead = new Uint8Array(4);
  #hashes = new Uint32Array(1_024);
  #measurement = { nameBytes: 0, firstSeries: 0, firstTag: 0 };
  #firstValue = 0;

  private constructor(disk: Disk, file: DiskFile) {
    this.#disk = disk;
    this.#file = file;
    const pages = new PageWriter();
    this.#pages = pages;
    this.#measurements = new SortedTableWriter(pages);
    this.#series = new SortedTableWriter(pages);
    this.#tags = new SortedTableWriter(pages);
    this.#values = new SortedTableWriter(pages);
    this.#postings = new PostingWriter(pages);
  }

  /** `path` is that of the segment; it has another name until it is whole. */
  static async create(disk: Disk, path: string): Promise<SegmentBuilder> {
    return new SegmentBuilder(disk, await disk.open(`${path}.tmp`, 'create'));
  }

  get seriesCount(): number {
    return this.#series.count;
  }

  get measurementCount(): number {
    return this.#measurements.count;
  }

  /** Hands what waits to the file when it is much; answers how many bytes it was. */
  async drain(): Promise<number> {
    const { length } = this.#pages.staged;
    if (length < stagedBytesMax) return 0;
    await this.#append();
    return length;
  }

  beginMeasurement(name: Uint8Array): void {
    putNumber(this.#measurements.count, this.#measurementHead);
    this.#measurement = {
      nameBytes: name.length,
      firstSeries: this.#series.count,
      firstTag: this.#tags.count,
    };
  }

  /** A series of the measurement by its whole key. Answers its number. */
  series({ bytes, start, end }: KeyPart): number {
    const number = this.#series.count;
    if (number === this.#hashes.length) {
      const grown = new Uint32Array(number * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[number] = hashBytes(bytes, start, end);
    const rest = { bytes, start: start + this.#measurement.nameBytes, end };
    return this.#series.add(this.#measurementHead, rest);
  }

  beginTag(): void {
    putNumber(this.#tags.count, this.#tagHead);
    this.#firstValue = this.#values.count;
  }

  /** A series that has the value which ends next. */
  posting(number: number): void {
    this.#postings.add(number);
  }

  endValue(value: KeyPart): void {
    this.#values.add(this.#tagHead, value, this.#postings.finish());
  }

  endTag(key: Uint8Array): void {
    const valueCount = this.#values.count - this.#firstValue;
    if (valueCount === 0) return;
    const value = encodeTag(this.#firstValue, valueCount);
    this.#tags.add(this.#measurementHead, { bytes: key, start: 0, end: key.length }, value);
  }

  endMeasurement(name: Uint8Array, fields: ReadonlyMap<string, FieldType>): void {
    const { firstSeries, firstTag } = this.#measurement;
    const value = encodeMeasurement({
      firstSeries,
      seriesCount: this.#series.count - firstSeries,
      firstTag,
      tagCount: this.#tags.count - firstTag,
      fields,
      sketchOffset: this.#sketch(firstSeries),
    });
    this.#measurements.add(noBytes, { bytes: name, start: 0, end: name.length }, value);
  }

  /** Makes it durable under its name; answers what it is. */
  async finish(): Promise<SegmentSeal> {
    const footer = encodeFooter({
      measurements: this.#measurements.finish(),
      series: this.#series.finish(),
      tags: this.#tags.finish(),
      values: this.#values.finish(),
      filter: writeFilter(this.#pages, this.#hashes.subarray(0, this.#series.count)),
      sketchOffset: this.#sketch(0),
    });
    const lengthBytes = this.#pages.offset + footer.length;
    await this.#append();
    await this.#file.append([footer]);
    await this.#file.sync();
    await this.#file.close();
    const path = this.#file.path.slice(0, -'.tmp'.length);
    await this.#disk.rename(this.#file.path, path);
    await this.#disk.syncDir(path.slice(0, path.lastIndexOf('/')));
    return { lengthBytes, footerCrc32: crc32(footer) };
  }

  /** Writes a sketch of the series from `first` on; answers where, undefined when they are few. */
  #sketch(first: number): number | undefined {
    const end = this.#series.count;
    if (end - first < sketchedSeriesMin) return undefined;
    return this.#pages.page(sketchRegisters(this.#hashes.subarray(first, end))).offset;
  }

  async #append(): Promise<void> {
    await this.#file.append([this.#pages.staged]);
    this.#pages.clear();
  }

  /** Leaves neither a descriptor nor bytes on the disk; the failure that matters is the one that led here. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#disk.remove(this.#file.path).catch(() => undefined);
  }
}
