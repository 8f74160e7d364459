import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf } from '../../../../test/support/blocks-of.ts';
import { memoryArena, MemorySource } from '../../../../test/support/memory-source.ts';
import { fragmentVersion, type Fragment } from '../../fragment.ts';
import { evaluate, type CompareOperator, type Predicate } from '../../predicate.ts';
import { cellValue } from '../columns/column-builder.ts';
import { FragmentContext } from '../context.ts';

const names = ['a', 'b', 'c'] as const;
const noMatch = () => () => false;

const comparison = fc
  .tuple(
    fc.constantFrom(...names, 'absent'),
    fc.constantFrom<CompareOperator>('>', '<=', '!='),
    fc.integer({ min: -1, max: 6 }),
  ) // prettier-ignore
  .map(([name, operator, value]): Predicate => ({
    kind: 'compare',
    operator,
    left: { kind: 'field', name },
    right: { kind: 'constant', value },
  }));
const predicate = fc.oneof(
  comparison,
  fc
    .tuple(
      fc.constantFrom('and' as const, 'or' as const),
      comparison,
      fc.oneof(comparison, fc.constant<Predicate>({ kind: 'constant', value: true })),
    ) // prettier-ignore
    .map(([kind, left, right]): Predicate => ({ kind, left, right })),
);
const cell = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined });
const row = fc.record({ a: cell, b: cell, c: cell });

test('filtered series: the rows that pass, with all their fields, whichever of those the predicate reads', () => {
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 60 }),
      predicate,
      fc.boolean(),
      fc.integer({ min: 0, max: 3 }),
      (all, condition, ascending, rowsMax) => {
        const points = all.flatMap((fields, i) => {
          const own = Object.entries(fields).filter(([, value]) => value !== undefined);
          return own.length === 0 ? [] : [{ measurement: 'm', tags: {}, timeNs: BigInt(i), fields: Object.fromEntries(own) as Record<string, number> }]; // prettier-ignore
        });
        const wanted = points
          .filter(({ fields }) => fields['b'] !== undefined || fields['c'] !== undefined)
          .filter(({ fields }) => evaluate(condition, (name) => fields[name] ?? null, noMatch))
          .map(({ timeNs, fields }) => [timeNs, fields['b'] ?? null, fields['c'] ?? null]);
        if (!ascending) wanted.reverse();
        const fragment: Fragment = {
          version: fragmentVersion,
          measurement: 'm',
          shardIds: [1],
          minTimeNs: -1n,
          maxTimeNs: 1_000n,
          ascending,
          groupBy: [],
          predicate: condition,
          task: { kind: 'rows', columns: [{ kind: 'field', name: 'b', type: 'float' }, { kind: 'field', name: 'c', type: 'float' }], rowsMax }, // prettier-ignore
        };
        const context = new FragmentContext(memoryArena(), noMatch, () => false);
        const got: unknown[] = [];
        for (const block of blocksOf(fragment, [new MemorySource(points, { batchRows: 2 })], context)) // prettier-ignore
          if (block.kind === 'rows')
            block.timesNs.forEach((timeNs, at) => got.push([timeNs, ...block.columns.map((column) => cellValue(column, at))])); // prettier-ignore
        expect(got).toEqual(rowsMax === 0 ? wanted : wanted.slice(0, rowsMax));
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});
