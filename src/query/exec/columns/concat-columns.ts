import type { Column, ColumnType, StringValues } from '../../column.ts';
import { ColumnBuilder } from './column-builder.ts';

/** Columns one behind the other, as one of type `type`. */
export function concatColumns(type: ColumnType, parts: readonly Column[]): Column {
  const [first, ...others] = parts;
  if (first?.type === type && others.length === 0) return first;
  const count = parts.reduce((sum, part) => sum + rowsOf(part), 0);
  if (!parts.every((part) => part.type === type)) return convert(type, parts, count);
  const valid = concatValid(parts, count);
  switch (type) {
    case 'float':
      return { type, values: concat(parts, new Float64Array(count)), valid };
    case 'integer':
      return { type, values: concat(parts, new BigInt64Array(count)), valid };
    case 'unsigned':
      return { type, values: concat(parts, new BigUint64Array(count)), valid };
    case 'boolean':
      return { type, values: concat(parts, new Uint8Array(count)), valid };
    case 'string':
      return { type, values: concatTexts(parts, count), valid };
  }
}

export function concatTimes(parts: readonly BigInt64Array[]): BigInt64Array {
  const all = new BigInt64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function rowsOf({ values }: Column): number {
  return 'offsets' in values ? values.offsets.length - 1 : values.length;
}

function concat<T extends Float64Array | BigInt64Array | BigUint64Array | Uint8Array>(
  parts: readonly Column[],
  into: T,
): T {
  let at = 0;
  for (const { values } of parts) {
    if ('offsets' in values) continue;
    into.set(values as never, at);
    at += values.length;
  }
  return into;
}

function concatTexts(parts: readonly Column[], count: number): StringValues {
  const texts = parts.flatMap(({ values }) => ('offsets' in values ? [values] : []));
  const sizeOf = ({ offsets }: StringValues) =>
    (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + sizeOf(text), 0));
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  let row = 0;
  for (const text of texts) {
    const start = text.offsets[0] ?? 0;
    bytes.set(text.bytes.subarray(start, start + sizeOf(text)), at);
    for (let i = 1; i < text.offsets.length; i++)
      offsets[row + i] = (text.offsets[i] ?? 0) - start + at;
    row += text.offsets.length - 1;
    at += sizeOf(text);
  }
  return { offsets, bytes };
}

function concatValid(parts: readonly Column[], count: number): Uint8Array | undefined {
  if (parts.every(({ valid }) => valid === undefined)) return undefined;
  const all = new Uint8Array(count).fill(1);
  let at = 0;
  for (const part of parts) {
    if (part.valid !== undefined) all.set(part.valid, at);
    at += rowsOf(part);
  }
  return all;
}

/** Shards may have other types of a field: cell by cell. */
function convert(type: ColumnType, parts: readonly Column[], count: number): Column {
  const builder = new ColumnBuilder(type, count);
  for (const part of parts)
    for (let row = 0; row < rowsOf(part); row++) builder.pushFrom(part, row);
  return builder.finish();
}
