/**
 * The typed fields of a shard's measurements: those of segments once they are asked for, and those that have come since.
 *
 * Invariants:
 * - A field of a measurement has one type while the measurement has series; the first write decides (spec F49).
 * - What was decided is taken also where a segment is damaged that may have other fields of the measurement: nobody reads then until all
 *   of them are learned anew.
 * - A decided field does not show until a point of it does: a batch waits for the disk between the two, and readers see
 *   its fields, its series and its points all at once.
 *
 * What is in memory grows with the measurements that were asked for, not with series.
 */
import { exactBytesOf } from '../../base/exact-text.ts';
import { isDbError } from '../../base/errors.ts';
import type { FieldType } from '../../models/field-value.ts';
import { escapeMeasurement } from '../../models/series-key.ts';
import type { IndexSegment } from './index-segment.ts';

interface Schema {
  /** Of all fields that a batch has decided. */
  readonly types: Map<string, FieldType>;
  /** Those that readers see. */
  readonly fields: Map<string, FieldType>;
}

/** Fields of a measurement that a segment is to have. */
export interface SchemaChange {
  readonly measurement: string;
  readonly fields: ReadonlyMap<string, FieldType>;
}

const noFields: ReadonlyMap<string, FieldType> = new Map();

export class FieldSchemas {
  readonly #schemas = new Map<string, Schema>();
  /** Measurements with fields that no segment has, and how many times one has come. */
  readonly #changed = new Map<string, number>();
  #segments: readonly IndexSegment[];
  #version = 0;
  /** Another object whenever what was decided may not be so any more. */
  #mark: object = {};
  #shownCount = 0;

  constructor(segments: readonly IndexSegment[]) {
    this.#segments = segments;
  }

  /** Grows whenever a field comes to show. */
  get version(): number {
    return this.#version;
  }

  /** As long as it is the same object, a field that was decided is of its type, and one that shows does. */
  get mark(): object {
    return this.#mark;
  }

  /** How many fields have come to show one by one: those that the files had are not among them. */
  get shownCount(): number {
    return this.#shownCount;
  }

  /** Those that are asked from now on. What was read of earlier ones stays, as it is in these too. */
  setSegments(segments: readonly IndexSegment[]): void {
    this.#segments = segments;
  }

  /** Takes what segments from elsewhere have of measurements that are known here; a type that was decided here stays. */
  absorb(): void {
    for (const [measurement, { types, fields }] of this.#schemas)
      for (const [field, type] of this.#stored(measurement)) {
        const own = types.get(field) ?? type;
        types.set(field, own);
        if (!fields.has(field)) fields.set(field, own);
      }
    this.#version++;
  }

  /** As decided, whether it shows yet or not. */
  type(measurement: string, field: string): FieldType | undefined {
    return this.#find(measurement)?.types.get(field);
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return this.#find(measurement)?.fields ?? noFields;
  }

  decide(measurement: string, field: string, type: FieldType): void {
    this.#setType(this.#entry(measurement), field, type);
  }

  /** Decides the type and shows the field. */
  show(measurement: string, field: string, type: FieldType): void {
    const schema = this.#entry(measurement);
    if (schema.fields.has(field)) return;
    this.#setType(schema, field, type);
    schema.fields.set(field, type);
    this.#shownCount++;
    this.#version++;
    this.#changed.set(measurement, this.#version);
  }

  /** The measurement has no series any more. */
  clear(measurement: string, { keepsTypes }: { readonly keepsTypes: boolean }): void {
    this.#mark = {};
    const schema = this.#entry(measurement);
    schema.fields.clear();
    if (!keepsTypes) schema.types.clear();
    this.#changed.delete(measurement);
  }

  /** What no segment has yet. `settle` is called once one has it. */
  changes(): { readonly list: readonly SchemaChange[]; readonly settle: () => void } {
    const versions = new Map(this.#changed);
    const list = [...versions.keys()].map((measurement) => ({
      measurement,
      fields: new Map(this.fields(measurement)),
    }));
    const settle = (): void => {
      for (const [measurement, version] of versions)
        if (this.#changed.get(measurement) === version) this.#changed.delete(measurement);
    };
    return { list, settle };
  }

  /** All fields are to be in the next segment: there are no others. */
  changeAll(): void {
    for (const [measurement, { fields }] of this.#schemas)
      if (fields.size > 0) this.#changed.set(measurement, ++this.#version);
  }

  #setType({ types }: Schema, field: string, type: FieldType): void {
    const known = types.get(field);
    if (known !== undefined && known !== type) this.#mark = {};
    types.set(field, type);
  }

  #find(measurement: string): Schema | undefined {
    const known = this.#schemas.get(measurement);
    if (known !== undefined) return known;
    const stored = this.#stored(measurement);
    if (stored.size === 0) return undefined;
    const schema = { types: new Map(stored), fields: new Map(stored) };
    this.#schemas.set(measurement, schema);
    return schema;
  }

  #entry(measurement: string): Schema {
    const known = this.#findSound(measurement);
    if (known !== undefined) return known;
    const schema = { types: new Map<string, FieldType>(), fields: new Map<string, FieldType>() };
    this.#schemas.set(measurement, schema);
    return schema;
  }

  /** Undefined also where a damaged segment would have to be asked. */
  #findSound(measurement: string): Schema | undefined {
    try {
      return this.#find(measurement);
    } catch (error) {
      if (isDbError(error, 'corrupt')) return undefined;
      throw error;
    }
  }

  #stored(measurement: string): Map<string, FieldType> {
    const stored = new Map<string, FieldType>();
    if (this.#segments.length === 0) return stored;
    const name = exactBytesOf(escapeMeasurement(measurement));
    for (const segment of this.#segments) {
      const found = segment.measurement(name);
      if (found === undefined || segment.gone.measurements.has(found.number)) continue;
      for (const [field, type] of found.fields) stored.set(field, type);
    }
    return stored;
  }
}
