import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellValue, ColumnBuilder, sliceColumn } from './column-builder.ts';
import { concatColumns } from './concat-columns.ts';
import { pickRows } from './pick-rows.ts';
import { valuesColumn } from '../window-accumulator.ts';
import type { Column, ColumnType } from '../../column.ts';
import type { Value } from '../../predicate.ts';

const values: Readonly<Record<ColumnType, fc.Arbitrary<Value>>> = {
  float: fc.double({ noNaN: true }),
  integer: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  unsigned: fc.bigInt(0n, 2n ** 64n - 1n),
  boolean: fc.boolean(),
  string: fc.string(),
};
const columnOf = (type: ColumnType) =>
  fc.array(fc.option(values[type]), { maxLength: 6 }).chain(
    (cells) =>
      fc.nat(cells.length).map((start) => sliceColumn(valuesColumn(type, cells), start, cells.length)), // prettier-ignore
  );
const rowsOf = ({ values: own }: Column) => ('offsets' in own ? own.offsets.length - 1 : own.length); // prettier-ignore
const cellsOf = (column: Column) => Array.from({ length: rowsOf(column) }, (_, row) => cellValue(column, row)); // prettier-ignore

test.each(Object.keys(values) as ColumnType[])(
  'columns: %s ones one behind the other, and rows picked of them, keep their cells',
  (type) => {
    fc.assert(
      fc.property(fc.array(columnOf(type), { minLength: 1, maxLength: 4 }), (parts) => {
        const whole = concatColumns(type, parts);
        const cells = parts.flatMap(cellsOf);
        expect(cellsOf(whole)).toEqual(cells);
        const rows = Int32Array.from([...cells.keys(), ...cells.keys()], (row) => (row % 3 === 2 ? -1 : row)); // prettier-ignore
        expect(cellsOf(pickRows(whole, rows))).toEqual(Array.from(rows, (row) => cells[row] ?? null)); // prettier-ignore
      }),
      { seed: 1 },
    );
  },
);

test('columns: integers of one shard widen into the floats of another', () => {
  const builder = new ColumnBuilder('integer', 1);
  builder.pushValue(7n);
  const parts = [valuesColumn('float', [1.5, null]), builder.finish()];
  expect(cellsOf(concatColumns('float', parts))).toEqual([1.5, null, 7]);
});
