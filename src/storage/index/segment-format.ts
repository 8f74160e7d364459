/**
 * A segment of a shard's index: `NNNNNNNNN.index`, never changed once it is written. Pages (page-file.ts) of four sorted
 * tables and a filter, then a footer; see docs/internals/format/index-segment.md.
 *
 * | table        | key                                     | value                                                      |
 * | ------------ | --------------------------------------- | ---------------------------------------------------------- |
 * | measurements | as keys of series write it              | first series, series, first tag, tags, typed fields        |
 * | series       | u32 BE number of the measurement, rest  | none; the rest of the key begins behind the measurement    |
 * | tags         | u32 BE number of the measurement, tag   | first value, values                                        |
 * | values       | u32 BE number of the tag, value         | series that have it: numbers, ascending, as differences    |
 *
 * Many series, of a measurement or of all of it, have a page with a sketch of how many they are.
 */
import { crc32 } from 'node:zlib';
import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';
import { BytesCursor, GrowingBytes } from '../../base/growing-bytes.ts';
import { FieldType } from '../../models/field-value.ts';
import type { FilterRoot } from './key-filter.ts';
import type { TableRoot } from '../pages/sorted-table.ts';

export interface SegmentRoots {
  readonly measurements: TableRoot;
  readonly series: TableRoot;
  readonly tags: TableRoot;
  readonly values: TableRoot;
  readonly filter: FilterRoot;
  /** Of the page with the sketch of all series; undefined when they are few. */
  readonly sketchOffset?: number | undefined;
}

/** What a segment was when it was written: `shard.json` vouches for it. */
export interface SegmentSeal {
  readonly lengthBytes: number;
  readonly footerCrc32: number;
}

const segmentMagic = 0x31584956;
export const footerBytes = 112;
/** A sketch is read about as fast as the keys of so many series, and costs eight bytes for each of them. */
export const sketchedSeriesMin = 2_048;
const tableNames = ['measurements', 'series', 'tags', 'values'] as const;

export const segmentSuffix = '.index';
const namePattern = /^(\d{9,15})\.index$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(9, '0')}${segmentSuffix}`;
}

export function segmentNumberOf(name: string): number | undefined {
  const match = namePattern.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeFooter(roots: SegmentRoots): Uint8Array {
  const out = new GrowingBytes(256);
  for (const name of tableNames) {
    const { count, depth, offset, lengthBytes } = roots[name];
    for (const word of [count, depth, offset % 2 ** 32, Math.floor(offset / 2 ** 32), lengthBytes])
      out.u32(word);
  }
  const { blockCount, offset } = roots.filter;
  // A table lies at 0, so that is the place of no sketch.
  const { sketchOffset = 0 } = roots;
  const [sketchLow, sketchHigh] = [sketchOffset % 2 ** 32, Math.floor(sketchOffset / 2 ** 32)];
  for (const word of [blockCount, offset % 2 ** 32, Math.floor(offset / 2 ** 32)]) out.u32(word);
  for (const word of [sketchLow, segmentMagic, sketchHigh]) out.u32(word);
  out.u32(crc32(out.view()));
  out.u32(segmentMagic);
  return out.view().slice();
}

/** Undefined when it is none. */
export function decodeFooter(bytes: Uint8Array): SegmentRoots | undefined {
  if (bytes.length !== footerBytes) return undefined;
  const cursor = new BytesCursor(bytes);
  const root = (): TableRoot => {
    const [count, depth, low, high, lengthBytes] = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u32(), cursor.u32()]; // prettier-ignore
    return { count, depth, offset: high * 2 ** 32 + low, lengthBytes };
  };
  const [measurements, series, tags, values] = [root(), root(), root(), root()];
  const [blockCount, low, high] = [cursor.u32(), cursor.u32(), cursor.u32()];
  const [sketchLow, , sketchHigh] = [cursor.u32(), cursor.u32(), cursor.u32()];
  cursor.at = footerBytes - 8;
  if (cursor.u32() !== crc32(bytes.subarray(0, footerBytes - 8))) return undefined;
  if (cursor.u32() !== segmentMagic) return undefined;
  const filter = { blockCount, offset: high * 2 ** 32 + low };
  const sketchOffset = sketchHigh * 2 ** 32 + sketchLow || undefined;
  return { measurements, series, tags, values, filter, sketchOffset };
}

/** What a segment says of a measurement. */
export interface SegmentMeasurement {
  readonly firstSeries: number;
  readonly seriesCount: number;
  readonly firstTag: number;
  readonly tagCount: number;
  /** By name. */
  readonly fields: ReadonlyMap<string, FieldType>;
  /** Of the page with the sketch of its series; undefined when they are few. */
  readonly sketchOffset?: number | undefined;
}

export function encodeMeasurement(one: SegmentMeasurement): Uint8Array {
  const out = new GrowingBytes(128);
  for (const word of [
    one.firstSeries,
    one.seriesCount,
    one.firstTag,
    one.tagCount,
    one.fields.size,
  ])
    // prettier-ignore
    out.varint(word);
  for (const [name, type] of one.fields) {
    const bytes = exactBytesOf(name);
    out.u8(type);
    out.varint(bytes.length);
    out.push(bytes);
  }
  const { sketchOffset } = one;
  if (sketchOffset !== undefined) {
    out.varint(sketchOffset % 2 ** 32);
    out.varint(Math.floor(sketchOffset / 2 ** 32));
  }
  return out.view();
}

/** Undefined when it does not add up. */
export function decodeMeasurement(bytes: Uint8Array): SegmentMeasurement | undefined {
  const cursor = new BytesCursor(bytes);
  const [firstSeries, seriesCount, firstTag, tagCount, fieldCount] = [cursor.varint(), cursor.varint(), cursor.varint(), cursor.varint(), cursor.varint()]; // prettier-ignore
  const fields = new Map<string, FieldType>();
  for (let i = 0; i < fieldCount && !cursor.isOver; i++) {
    const type = cursor.u8();
    const name = exactTextOf(cursor.take(cursor.varint()));
    if (type > FieldType.unsigned) return undefined;
    fields.set(name, type as FieldType);
  }
  const hasSketch = cursor.at < bytes.length;
  const [low, high] = hasSketch ? [cursor.varint(), cursor.varint()] : [0, 0];
  if (cursor.isOver) return undefined;
  const sketchOffset = hasSketch ? high * 2 ** 32 + low : undefined;
  return { firstSeries, seriesCount, firstTag, tagCount, fields, sketchOffset };
}

/** Number of the first value, how many there are. */
export function encodeTag(firstValue: number, valueCount: number): Uint8Array {
  const out = new GrowingBytes(16);
  out.varint(firstValue);
  out.varint(valueCount);
  return out.view();
}

/** Four bytes, the highest first: numbers in the order of their bytes. */
export function putNumber(number: number, into: Uint8Array): void {
  for (let i = 0; i < 4; i++) into[i] = number >>> (24 - i * 8);
}
