/**
 * The bytes of many points of one shard: what the write-ahead log keeps, what replicas are sent and what hinted handoff
 * queues. A batch is self-contained: series, measurement and field names are in it (docs/internals/format/point-batch.md).
 *
 * Rows are grouped by shape: one measurement and one ordered list of typed fields that each row of the group has. So
 * columns are dense and need no validity bits. Of two rows with the same series and time the one with the higher ordinal
 * was written later and wins, field by field; of two batches the one with the later stamp (stamp.ts).
 */
import { exactTextOf } from '../base/exact-text.ts';
import { DbError } from '../base/errors.ts';
import type { BatchShape, TextColumn } from './batch-columns.ts';
import { BatchReader, damagedBatch } from './batch-reader.ts';
import { isLaidOut, readLayout, shapeEnd } from './batch-layout.ts';
import { readSets, readShape, type BatchSet } from './batch-shapes.ts';
import { FieldType } from './field-value.ts';
import { namesIn } from './known-names.ts';
import { ShapeName, ShapeNames } from './shape-names.ts';
import { noStamp, stampOfBatch, type Stamp } from './stamp.ts';

export type {
  BatchColumn,
  BatchField,
  BatchRows,
  BatchShape,
  TextColumn,
} from './batch-columns.ts';
export type { BatchSet } from './batch-shapes.ts';

export const pointBatchMagic = 0x31425056;
export const pointBatchHeaderBytes = 48;

/** When a batch was written, and of which times. */
export interface BatchHead {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly stamp: Stamp;
  /** All of its bytes. */
  readonly payload: Uint8Array;
}

/** A decoded batch; its arrays are views into the bytes it came from, or copies. */
export interface PointBatch extends BatchHead {
  readonly rowCount: number;
  /** Canonical keys, each at least once: rows refer to them by number. */
  readonly series: TextColumn;
  /** All rows by measurement and fields, in order of their first ones; made when they are asked for. */
  readonly shapes: readonly BatchShape[];
  /** The same rows in fewer parts. */
  readonly sets: readonly BatchSet[];
}

/** How many points a batch says it has, without reading it; 0 for what is too short to be one. */
export function rowCountOf(payload: Uint8Array): number {
  if (payload.length < pointBatchHeaderBytes) return 0;
  return new DataView(payload.buffer, payload.byteOffset, 8).getUint32(4, true);
}

/** How many values a batch has. Throws where lengths do not add up. */
export function valueCountOf(payload: Uint8Array): number {
  const bytes = aligned(payload);
  const reader = new BatchReader(bytes);
  reader.skip(8);
  const seriesCount = reader.u32();
  const shapeCount = reader.u32();
  reader.skip(pointBatchHeaderBytes - 16);
  reader.skipTexts(seriesCount);
  const nameCount = reader.count();
  reader.align();
  reader.skipTexts(nameCount);
  // One shape has all rows: those of its columns need no look.
  if (shapeCount === 1) {
    const rowCount = reader.u32();
    reader.skip(4);
    return rowCount * reader.count();
  }
  const words = wordsOf(bytes);
  let valueCount = 0;
  let { at } = reader;
  for (let shape = 0; shape < shapeCount; shape++) {
    const next = shapeEnd(words, at, bytes.length);
    valueCount += (words[at >>> 2] ?? 0) * (words[(at >>> 2) + 2] ?? 0);
    at = next;
  }
  return valueCount;
}

/** What the header says of a batch that was read before; undefined of one without a stamp. */
export function headOfBatch(payload: Uint8Array): BatchHead | undefined {
  const stamp = stampOfBatch(payload);
  if (stamp === noStamp) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, pointBatchHeaderBytes);
  return {
    stamp,
    minTimeNs: view.getBigInt64(16, true),
    maxTimeNs: view.getBigInt64(24, true),
    payload,
  };
}

/** The series of a batch that was read before. */
export function seriesOfBatch(payload: Uint8Array): TextColumn {
  const reader = new BatchReader(aligned(payload));
  reader.skip(8);
  const seriesCount = reader.u32();
  reader.skip(pointBatchHeaderBytes - 12);
  return reader.textColumn(seriesCount);
}

/** Reads a batch. Throws `unsupported_version` for another format, `corrupt` when lengths do not add up. */
export function decodePointBatch(payload: Uint8Array): PointBatch {
  const bytes = aligned(payload);
  const reader = new BatchReader(bytes);
  if (reader.u32() !== pointBatchMagic)
    throw new DbError('unsupported_version', 'point batch of another format version');
  const rowCount = reader.u32();
  const seriesCount = reader.u32();
  const shapeCount = reader.u32();
  const minTimeNs = reader.i64();
  const maxTimeNs = reader.i64();
  reader.skip(16);
  const series = reader.textColumn(seriesCount);
  const nameCount = reader.count();
  reader.align();
  const names = namesIn(reader.textColumn(nameCount), shapeCount);
  const words = wordsOf(bytes);
  const range = { start: reader.at, end: bytes.length, shapeCount };
  const layout = names.layout !== undefined && isLaidOut(names.layout, words, range) ? names.layout : readLayout(words, names, range); // prettier-ignore
  const { heads } = layout;
  if (heads.rowCount !== rowCount || heads.end !== bytes.length) throw damagedBatch();
  if (layout !== names.layout) names.keepLayout(layout);
  const sets = readSets(reader, words, { layout, seriesCount });
  const stamp = stampOfBatch(bytes);
  let shapes: readonly BatchShape[] | undefined;
  return {
    rowCount, minTimeNs, maxTimeNs, stamp, payload: bytes, series, sets,
    get shapes() {
      return (shapes ??= heads.names.map((_, shape) => readShape(reader, heads, shape)));
    },
  }; // prettier-ignore
}

/** The batch with these shapes in the place of its own. */
export function withShapes(batch: PointBatch, shapes: readonly BatchShape[]): PointBatch {
  const { rowCount, minTimeNs, maxTimeNs, stamp, payload, series } = batch;
  const sets = shapes.map(({ measurement, ...rows }) => {
    const { fields } = rows;
    const hasTexts = fields.some(({ type }) => type === FieldType.string);
    return { names: new ShapeNames([new ShapeName(measurement, { fields, hasTexts }, [])]), rows };
  });
  return { rowCount, minTimeNs, maxTimeNs, stamp, payload, series, shapes, sets };
}

/** Views need their alignment; a payload cut out of a larger read may lack it. */
function aligned(payload: Uint8Array): Uint8Array {
  return payload.byteOffset % 8 === 0 ? payload : payload.slice();
}

function wordsOf({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length >>> 2);
}

/** Of all its rows, each maybe several times. */
export function measurementsOf({ sets }: PointBatch): readonly string[] {
  return sets.flatMap(({ names }) => names.all.map(({ measurement }) => measurement));
}

/** The keys of a batch as texts: for readers that are in no hurry. */
export function seriesKeysOf({ series: { offsets, bytes } }: PointBatch): readonly string[] {
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    exactTextOf(bytes.subarray(offsets[i], offsets[i + 1])),
  );
}
