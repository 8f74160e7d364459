/** Names of shapes, the same objects from batch to batch where they are remembered (known-names.ts), and who has looked them up. */
import type { BatchField } from './batch-columns.ts';

/** An ordered list of typed fields, the same object wherever a batch has it. */
export interface FieldList {
  readonly fields: readonly BatchField[];
  readonly hasTexts: boolean;
}

/** A measurement with one list of fields. */
export class ShapeName {
  readonly measurement: string;
  readonly list: FieldList;
  /** Of each field as a batch has it: type code in the upper 8 bits, name in the lower 24. */
  readonly packed: readonly number[];
  /** Of its one field; -1 when it has others. */
  readonly sole: number;
  /** Marks of who has looked it up last, and need not as long as its mark is the same: any object, compared by identity. */
  decidedBy: object | undefined;
  shownBy: object | undefined;
  heldBy: object | undefined;

  constructor(measurement: string, list: FieldList, packed: readonly number[]) {
    this.measurement = measurement;
    this.list = list;
    this.packed = packed;
    this.sole = packed.length === 1 ? (packed[0] ?? -1) : -1;
  }
}

/** Those of some shapes that have the same fields, with marks of who has looked up all of them last. */
export class ShapeNames {
  readonly all: readonly ShapeName[];
  decidedBy: object | undefined;
  shownBy: object | undefined;
  heldBy: object | undefined;

  constructor(all: readonly ShapeName[]) {
    this.all = all;
  }
}
