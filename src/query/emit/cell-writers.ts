import { isValid, type Column } from '../column.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Writes the cell of a row. */
export type CellWriter = (row: number) => void;

/** What writes the cells of a column as JSON: made once a series, so that a cell costs no look at the column's type. */
export function jsonCells(
  writer: ByteWriter,
  column: Column,
  missing: number | bigint | undefined,
): CellWriter {
  const write = validCells(writer, column);
  if (column.valid === undefined) return write;
  const text = missingText(column, missing) ?? 'null';
  return (row) => {
    if (isValid(column, row)) write(row);
    else writer.ascii(text);
  };
}

/** What a text or a truth that is missing shows; numbers were filled before. */
export function missingText(
  { type }: Column,
  missing: number | bigint | undefined,
): string | undefined {
  const isShown = missing !== undefined && (type === 'string' || type === 'boolean');
  return isShown ? String(missing) : undefined;
}

function validCells(writer: ByteWriter, column: Column): CellWriter {
  switch (column.type) {
    case 'float': {
      const { values } = column;
      return (row) => {
        writer.float(values[row] ?? 0);
      };
    }
    case 'integer':
      return integerCells(writer, column.values);
    case 'unsigned': {
      const { values } = column;
      return (row) => {
        writer.integer(values[row] ?? 0n);
      };
    }
    case 'boolean': {
      const { values } = column;
      return (row) => {
        writer.ascii(values[row] === 1 ? 'true' : 'false');
      };
    }
    case 'string': {
      const { offsets, bytes } = column.values;
      return (row) => {
        writer.jsonBytes(bytes, offsets[row] ?? 0, offsets[row + 1] ?? 0);
      };
    }
  }
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
