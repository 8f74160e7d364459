import { assert } from '../base/assert.ts';
import { FieldType, type FieldValue } from './field-value.ts';
import type { LinePoint } from './line-protocol.ts';
import {
  type BatchColumn,
  paddedTo8,
  pointBatchHeaderBytes,
  pointBatchMagic,
} from './point-batch.ts';

interface ShapeRows {
  readonly measurement: number;
  readonly fields: readonly { readonly name: number; readonly type: FieldType }[];
  readonly ordinals: number[];
  readonly series: number[];
  readonly timesNs: bigint[];
  readonly values: FieldValue[][];
}

/** Collects points of one shard into the bytes of a batch: the slow, obvious form that the kernel is held to. */
export class PointBatchBuilder {
  readonly #series = new Dictionary();
  readonly #names = new Dictionary();
  readonly #shapes = new Map<string, ShapeRows>();
  #rowCount = 0;
  #minTimeNs = 0n;
  #maxTimeNs = 0n;

  get rowCount(): number {
    return this.#rowCount;
  }

  /** `key` is the point's canonical series key. The point has at least one field. */
  add(key: string, { measurement, fields, timeNs }: LinePoint): void {
    assert(fields.size > 0, 'a point has a field');
    const list = [...fields];
    const shape = this.#shapeOf(measurement, list);
    shape.ordinals.push(this.#rowCount);
    shape.series.push(this.#series.idOf(key));
    shape.timesNs.push(timeNs);
    list.forEach(([, value], i) => shape.values[i]?.push(value));
    if (this.#rowCount === 0 || timeNs < this.#minTimeNs) this.#minTimeNs = timeNs;
    if (this.#rowCount === 0 || timeNs > this.#maxTimeNs) this.#maxTimeNs = timeNs;
    this.#rowCount++;
  }

  /** The batch's bytes, at the start of a buffer of their own. */
  finish(): Uint8Array {
    const writer = new BatchWriter();
    const header = new Uint8Array(pointBatchHeaderBytes);
    const view = new DataView(header.buffer);
    const counts = [pointBatchMagic, this.#rowCount, this.#series.size, this.#shapes.size];
    counts.forEach((count, i) => {
      view.setUint32(i * 4, count, true);
    });
    view.setBigInt64(16, this.#minTimeNs, true);
    view.setBigInt64(24, this.#maxTimeNs, true);
    writer.bytes(header);
    writer.texts(this.#series.texts);
    writer.u32s([this.#names.size], false);
    writer.texts(this.#names.texts);
    for (const shape of this.#shapes.values()) writeShape(writer, shape);
    return writer.finish();
  }

  #shapeOf(measurement: string, fields: readonly (readonly [string, FieldValue])[]): ShapeRows {
    const signature = JSON.stringify([
      measurement,
      ...fields.map(([name, value]) => [name, value.type]),
    ]);
    const known = this.#shapes.get(signature);
    if (known !== undefined) return known;
    const shape: ShapeRows = {
      measurement: this.#names.idOf(measurement),
      fields: fields.map(([name, value]) => ({
        name: this.#names.idOf(name),
        type: FieldType[value.type],
      })),
      ordinals: [],
      series: [],
      timesNs: [],
      values: fields.map(() => []),
    };
    this.#shapes.set(signature, shape);
    return shape;
  }
}

function writeShape(writer: BatchWriter, shape: ShapeRows): void {
  const { measurement, fields, ordinals } = shape;
  const packed = fields.map(({ name, type }) => ((type << 24) | name) >>> 0);
  writer.u32s([ordinals.length, measurement, fields.length, ...packed], true);
  writer.u32s(ordinals, true);
  writer.u32s(shape.series, true);
  writer.column(BigInt64Array.from(shape.timesNs));
  fields.forEach(({ type }, i) => {
    writer.column(columnOf(type, shape.values[i] ?? []));
  });
}

function columnOf(type: FieldType, values: readonly FieldValue[]): BatchColumn {
  const plain = values.map(({ value }) => value);
  switch (type) {
    case FieldType.float:
      return Float64Array.from(plain as number[]);
    case FieldType.integer:
      return BigInt64Array.from(plain as bigint[]);
    case FieldType.unsigned:
      return BigUint64Array.from(plain as bigint[]);
    case FieldType.boolean:
      return Uint8Array.from(plain as boolean[], Number);
    case FieldType.string:
      return textColumn(plain as string[]);
  }
}

function textColumn(texts: readonly string[]): BatchColumn {
  const parts = texts.map((text) => encoder.encode(text));
  const offsets = new Uint32Array(texts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + part.length;
  });
  const bytes = new Uint8Array(offsets[texts.length] ?? 0);
  parts.forEach((part, i) => {
    bytes.set(part, offsets[i] ?? 0);
  });
  return { offsets, bytes };
}

const encoder = new TextEncoder();

class Dictionary {
  readonly #ids = new Map<string, number>();

  get size(): number {
    return this.#ids.size;
  }

  get texts(): readonly string[] {
    return [...this.#ids.keys()];
  }

  idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, this.#ids.size);
    return this.#ids.size - 1;
  }
}

class BatchWriter {
  readonly #parts: Uint8Array[] = [];
  #lengthBytes = 0;

  bytes(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#lengthBytes += bytes.length;
  }

  align(): void {
    this.bytes(new Uint8Array(paddedTo8(this.#lengthBytes) - this.#lengthBytes));
  }

  u32s(values: readonly number[] | Uint32Array, isPadded: boolean): void {
    this.bytes(new Uint8Array(Uint32Array.from(values).buffer));
    if (isPadded) this.align();
  }

  texts(texts: readonly string[]): void {
    this.align();
    this.column(textColumn(texts));
  }

  column(column: BatchColumn): void {
    if ('offsets' in column) {
      this.u32s(column.offsets, true);
      this.bytes(column.bytes);
    } else {
      this.bytes(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    }
    this.align();
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.#lengthBytes);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
