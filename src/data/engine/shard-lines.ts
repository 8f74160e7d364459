/**
 * The lines of one body that go to one shard, parted by shape: measurement and typed fields in their order. Only numbers of
 * lines are kept here; values are gathered when the batch is written.
 */
import { GrowingU32 } from '../../base/collections/growing-u32.ts';
import type { FieldType } from '../../models/field-value.ts';

/** What is known of a key the kernel has given an id. */
export interface KnownKey {
  /** As it was written; the canonical one may differ. */
  readonly writtenBytes: number;
  readonly measurement: string;
  readonly bytes: Uint8Array;
  readonly hash: bigint;
}

export interface KnownFields {
  /** Of the longest name, as it was written. */
  readonly nameBytesMax: number;
  readonly fields: readonly { readonly name: string; readonly type: FieldType }[];
}

/** Lines of one shape that go to one shard. */
export interface ShapeLines {
  readonly measurement: string;
  readonly fields: KnownFields['fields'];
  readonly lines: GrowingU32;
  readonly ordinals: GrowingU32;
  readonly series: GrowingU32;
}

/** Lines that go to one shard. */
export class ShardLines {
  readonly shardId: number;
  /** Ids of the keys, in the order in which they first came: their places are the series of the batch. */
  readonly keyIds: number[] = [];
  readonly shapes: ShapeLines[] = [];
  readonly shapeOf = new Map<string, Map<number, ShapeLines>>();
  rowCount = 0;
  #last: { readonly measurement: string; readonly fieldSetId: number; readonly shape: ShapeLines } | undefined; // prettier-ignore

  constructor(shardId: number) {
    this.shardId = shardId;
  }

  shape(measurement: string, fieldSetId: number, { fields }: KnownFields): ShapeLines {
    // Lines of a body mostly are of the shape of the line before.
    if (this.#last?.fieldSetId === fieldSetId && this.#last.measurement === measurement)
      return this.#last.shape;
    const byFields = this.shapeOf.get(measurement) ?? new Map<number, ShapeLines>();
    this.shapeOf.set(measurement, byFields);
    let shape = byFields.get(fieldSetId);
    if (shape === undefined) {
      const lists = { lines: new GrowingU32(), ordinals: new GrowingU32(), series: new GrowingU32() }; // prettier-ignore
      shape = { measurement, fields, ...lists };
      byFields.set(fieldSetId, shape);
      this.shapes.push(shape);
    }
    this.#last = { measurement, fieldSetId, shape };
    return shape;
  }
}

/** Which series of its batch a key is, for one shard group; forgotten from body to body by counting them. */
export class SeriesPlaces {
  #bodies = new Uint32Array();
  #places = new Uint32Array();

  /** The key's place, given now when it is new. */
  of(keyId: number, body: number, shard: ShardLines): number {
    if (keyId >= this.#bodies.length) this.#grow(keyId + 1);
    if (this.#bodies[keyId] === body) return this.#places[keyId] ?? 0;
    this.#bodies[keyId] = body;
    const place = shard.keyIds.push(keyId) - 1;
    this.#places[keyId] = place;
    return place;
  }

  #grow(least: number): void {
    const capacity = Math.max(least, this.#bodies.length * 2, 1_024);
    const [bodies, places] = [new Uint32Array(capacity), new Uint32Array(capacity)];
    bodies.set(this.#bodies);
    places.set(this.#places);
    [this.#bodies, this.#places] = [bodies, places];
  }
}
