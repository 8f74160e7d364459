/**
 * Columns of results as they travel between engine workers, nodes and the writer: typed arrays, one slot a row.
 * Ownership: whoever receives a column owns its buffers; they may have been transferred from another thread. A column may make its
 * cells when they are asked for (repeated-text.ts, exec/columns/pick-merged.ts): it is copied by withValid(), not by spreading it.
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

/** The same cells, of which others are null. */
export function withValid({ type, values }: Column, valid: Uint8Array | undefined): Column {
  return { type, values, valid } as Column;
}
