import { formatGoFloat, quoteGo } from '../../../base/go-format.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import type { BatchColumn } from '../../../models/point-batch.ts';

/** A text of one character a byte, as tools keep what need not be UTF-8. */
export function binaryOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** A value as line protocol has it, one character a byte. */
export function lineValue(column: BatchColumn, row: number): string {
  if ('offsets' in column) {
    const text = binaryOf(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
    return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  }
  return plainValue(column, row);
}

/** A value as the reference's dump of a log prints it. */
export function dumpedValue(column: BatchColumn, row: number): string {
  if (!('offsets' in column)) return plainValue(column, row);
  return quoteGo(exactTextOf(column.bytes.subarray(column.offsets[row], column.offsets[row + 1])));
}

function plainValue(column: Exclude<BatchColumn, { offsets: Uint32Array }>, row: number): string {
  if (column instanceof Float64Array) return formatGoFloat(column[row] ?? 0);
  if (column instanceof BigInt64Array) return `${column[row]}i`;
  if (column instanceof BigUint64Array) return `${column[row]}u`;
  return column[row] === 0 ? 'false' : 'true';
}
