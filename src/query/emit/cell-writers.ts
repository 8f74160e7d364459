import { isValid, type Column } from '../column.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Writes the cell of a row. */
export type CellWriter = (row: number) => void;

/** A cell as JSON. Nothing is made for its column: most series that come here have a row or a few. */
export function writeJsonCell(
  writer: ByteWriter,
  column: Column,
  { row, missing }: { readonly row: number; readonly missing: number | bigint | undefined },
): void {
  if (column.valid !== undefined && !isValid(column, row)) {
    writer.ascii(missingText(column, missing) ?? 'null');
    return;
  }
  switch (column.type) {
    case 'float':
      writer.float(column.values[row] ?? 0);
      return;
    case 'integer':
      one[0] = column.values[row] ?? 0n;
      writer.int64(wordsOfOne[1] ?? 0, wordsOfOne[0] ?? 0);
      return;
    case 'unsigned':
      writer.integer(column.values[row] ?? 0n);
      return;
    case 'boolean':
      writer.ascii(column.values[row] === 1 ? 'true' : 'false');
      return;
    case 'string': {
      const { offsets, bytes } = column.values;
      writer.jsonBytes(bytes, offsets[row] ?? 0, offsets[row + 1] ?? 0);
    }
  }
}

/** What a text or a truth that is missing shows; numbers were filled before. */
export function missingText(
  { type }: Column,
  missing: number | bigint | undefined,
): string | undefined {
  const isShown = missing !== undefined && (type === 'string' || type === 'boolean');
  return isShown ? String(missing) : undefined;
}

const fewCells = 4;
const one = new BigInt64Array(1);
const wordsOfOne = new Uint32Array(one.buffer);

/** Signed integers by their two words: a BigInt for each would cost more than its digits. */
export function integerCells(writer: ByteWriter, values: BigInt64Array): CellWriter {
  // Few cost less than a view of them.
  if (values.length < fewCells)
    return (row) => {
      one[0] = values[row] ?? 0n;
      writer.int64(wordsOfOne[1] ?? 0, wordsOfOne[0] ?? 0);
    };
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  return (row) => {
    writer.int64(words[row * 2 + 1] ?? 0, words[row * 2] ?? 0);
  };
}
