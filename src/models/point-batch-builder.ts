import { assert } from '../base/assert.ts';
import { FieldType, type FieldValue } from './field-value.ts';
import type { LinePoint } from './line-protocol.ts';
import { BatchWriter, joinTexts } from './batch-writer.ts';
import { exactBytesOf } from '../base/exact-text.ts';
import type { BatchColumn } from './point-batch.ts';

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
    writer.header({
      rowCount: this.#rowCount,
      seriesCount: this.#series.size,
      shapeCount: this.#shapes.size,
      minTimeNs: this.#minTimeNs,
      maxTimeNs: this.#maxTimeNs,
    });
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
      return joinTexts((plain as string[]).map(exactBytesOf));
  }
}

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
