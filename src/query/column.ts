/**
 * Columns of results as they travel between engine workers, nodes and the writer: typed arrays, one slot a row.
 * Ownership: whoever receives a column owns its buffers; they may have been transferred from another thread.
 */
export type ColumnType = 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';

/** Row r's text is bytes[offsets[r] .. offsets[r + 1]) in UTF-8. */
export interface StringValues {
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

export type Column =
  | {
      readonly type: 'float';
      readonly values: Float64Array;
      readonly valid?: Uint8Array | undefined;
    }
  | {
      readonly type: 'integer';
      readonly values: BigInt64Array;
      readonly valid?: Uint8Array | undefined;
    }
  | {
      readonly type: 'unsigned';
      readonly values: BigUint64Array;
      readonly valid?: Uint8Array | undefined;
    }
  | {
      readonly type: 'boolean';
      readonly values: Uint8Array;
      readonly valid?: Uint8Array | undefined;
    }
  | {
      readonly type: 'string';
      readonly values: StringValues;
      readonly valid?: Uint8Array | undefined;
    };

/** `valid` has one byte a row, 0 for null; absent when every row has a value. */
export function isValid(column: Column, row: number): boolean {
  return column.valid === undefined || column.valid[row] === 1;
}
