/** Rows as columns: what a point batch is made of. */
import type { FieldType } from './field-value.ts';

/** Texts of a string column: row r is bytes[offsets[r] .. offsets[r + 1]) in UTF-8. */
export interface TextColumn {
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

/** float64, int64, uint64, one byte a boolean, or texts, by the type of the field. */
export type BatchColumn = Float64Array | BigInt64Array | BigUint64Array | Uint8Array | TextColumn;

export interface BatchField {
  readonly name: string;
  readonly type: FieldType;
}

/** Rows that have the same fields. */
export interface BatchRows {
  readonly fields: readonly BatchField[];
  readonly rowCount: number;
  /** The row's place among all rows of the batch; those of a series ascend. */
  readonly ordinals: Uint32Array;
  /** Index into the batch's series. */
  readonly series: Uint32Array;
  readonly timesNs: BigInt64Array;
  readonly columns: readonly BatchColumn[];
}

export interface BatchShape extends BatchRows {
  readonly measurement: string;
}
