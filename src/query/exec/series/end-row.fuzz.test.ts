import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryArena, MemorySource } from '../../../../test/support/memory-source.ts';
import { cellValue } from '../columns/column-builder.ts';
import { FragmentContext } from '../context.ts';
import { EndRow } from './end-row.ts';
import { SeriesRows, type RowChunk } from './series-rows.ts';

const names = ['b', 'f', 'i', 's'] as const;
const types = { b: 'boolean', f: 'float', i: 'integer', s: 'string' } as const;
const fields = fc.record({ b: fc.boolean(), f: fc.double({ noNaN: true }), i: fc.bigInt(-3n, 3n), s: fc.string() }, { requiredKeys: [] }); // prettier-ignore
const row = fc.tuple(fc.bigInt(0n, 12n), fields.filter((one) => Object.keys(one).length > 0)); // prettier-ignore
const context = new FragmentContext(memoryArena(), () => () => false, () => false); // prettier-ignore

function rowsOf(rows: { next(): RowChunk | undefined }): unknown[] {
  const all: unknown[] = [];
  for (let chunk = rows.next(); chunk !== undefined; chunk = rows.next()) {
    const { timesNs, columns } = chunk;
    timesNs.forEach((timeNs, i) => all.push([timeNs, ...columns.map((column) => cellValue(column, i))])); // prettier-ignore
  }
  return all;
}

test('end row: the rows that cursors give, the first of them by the ends of fields, in both directions', () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 8 }),
      fc.bigInt(-1n, 12n),
      fc.bigInt(0n, 12n),
      fc.boolean(),
      (points, minTimeNs, width, ascending) => {
        const source = new MemorySource(points.map(([timeNs, some]) => ({ measurement: 'm', tags: {}, fields: some, timeNs }))); // prettier-ignore
        const known = new Set(source.fields('m').map(({ name }) => name));
        const present = names.filter((name) => known.has(name));
        const request = { seriesId: 0, minTimeNs, maxTimeNs: minTimeNs + width, ascending };
        const rowsWithin = (bounds: { minTimeNs: bigint; maxTimeNs: bigint }) => {
          const cursors = present.map((field) => source.openCursor({ ...request, ...bounds, field })); // prettier-ignore
          return new SeriesRows(cursors, present.map((name) => types[name]), context.arena, ascending); // prettier-ignore
        };
        const typeOf = (name: string) => types[name as keyof typeof types];
        const ends = new EndRow({ source, names: present, typeOf, request, rowsWithin }, context);
        expect(rowsOf(ends)).toEqual(rowsOf(rowsWithin(request)));
      },
    ),
    { seed: 1 },
  );
});
