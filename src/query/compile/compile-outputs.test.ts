import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { computeColumns } from '../assemble/compute-columns.ts';
import { cellValue } from '../exec/column-builder.ts';
import { compileOutputs } from './compile-outputs.ts';
import { columnInput } from './compile-inputs.ts';
import { expandFields } from './expand-fields.ts';
import type { MeasurementSchema } from './schema.ts';

const schema: MeasurementSchema = {
  name: 'm',
  fields: new Map([['f', 'float'], ['i', 'integer'], ['b', 'boolean'], ['s', 'string']]), // prettier-ignore
  tagKeys: new Set(['t']),
};

function compute(list: string, cells: readonly [bigint, number]): readonly unknown[] {
  const [statement] = parseQuery(`SELECT ${list} FROM m`);
  if (statement?.kind !== 'select') throw new Error('a SELECT expected');
  const selected = expandFields(statement.fields, schema, []);
  if (selected.kind !== 'columns') throw new Error('columns expected');
  const inputs = selected.inputs.map((column) => columnInput(column, schema));
  const computed = compileOutputs(selected.outputs, inputs) ?? [];
  const values = selected.inputs.map(({ name }) =>
    name === 'i'
      ? ({ type: 'integer', values: BigInt64Array.of(cells[0]) } as const)
      : ({ type: 'float', values: Float64Array.of(cells[1]) } as const),
  );
  const series = { kind: 'columns', columns: [], timesNs: BigInt64Array.of(0n), start: 0, end: 1, values } as const; // prettier-ignore
  return computeColumns(series, computed).values.map((column) => cellValue(column, 0));
}

test('arithmetic of the select list: int64 wraps and stays exact, division gives a float', () => {
  const max = 9223372036854775807n;
  expect(compute('i + 1, i - -1, i * 2', [max, 0])).toEqual([-max - 1n, -max - 1n, -2n]);
  expect(compute('i / 2, i / 0, i % 0, i % 4, -i', [7n, 0])).toEqual([3.5, 0, 0n, 3n, -7n]);
  expect(compute('i & 3, i | 8, i ^ 1', [6n, 0])).toEqual([2n, 14n, 7n]);
  expect(compute('i + 0, f + i', [9007199254740993n, 0.5])).toEqual([9007199254740993n, 9007199254740992]); // prettier-ignore
});

test('arithmetic of the select list: what is no number is null, zero divides to zero', () => {
  expect(compute('f / 0, f % 0, f * 1000000.0 * f', [0n, 1e300])).toEqual([0, null, null]);
  expect(compute('f::integer, f::integer * 2', [0n, -2.9])).toEqual([-2n, -4n]);
});

test('arithmetic of the select list: types that do not go together are named', () => {
  const check = (list: string, text: string) => {
    expect(() => compute(list, [0n, 0])).toThrow(`type error: ${text}`);
  };
  check('f & 1', 'f::float & 1: incompatible types: float and integer');
  check('s + 1', 's::string + 1: incompatible types: string and integer');
  check('b + b', 'b::boolean + b::boolean: incompatible types: boolean and boolean');
  check('f + t', 'f::float + t::tag: incompatible types: float and tag');
});
