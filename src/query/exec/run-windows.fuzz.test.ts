import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf } from '../../../test/support/blocks-of.ts';
import { memoryArena, MemorySource } from '../../../test/support/memory-source.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import {
  fragmentVersion,
  type Fragment,
  type SummaryPart,
  type WindowSummary,
} from '../fragment.ts';
import type { ManyFolded, ManyFoldRequest } from '../source.ts';
import { cellValue } from './columns/column-builder.ts';
import { FragmentContext } from './context.ts';

const matcher = () => () => true;
const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });

const float = fc.oneof(
  fc.constantFrom(0, -0, 1, 2, 3),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const few = fc.constantFrom('a', 'b', 'c');
const pointsOf = (host: fc.Arbitrary<string>, size: '=' | '+1') =>
  fc.array(
    fc.record({
      host,
      timeNs: fc.oneof(fc.bigInt(-60n, 60n), fc.bigInt(-(2n ** 40n), 2n ** 40n)),
      float,
      integer: fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    }),
    { maxLength: 60, size },
  );
const points = pointsOf(few, '=');
/** Some of more series than are read one after the other. */
const manyPoints = fc.oneof(points, pointsOf(fc.oneof(few, fc.nat(40).map(String)), '+1'));
const parts = fc.uniqueArray(
  fc.constantFrom<SummaryPart>('count', 'sum', 'min', 'max', 'first', 'last'),
  { minLength: 1 },
);
const range = fc.tuple(fc.bigInt(-80n, 80n), fc.bigInt(-80n, 80n)).map(([a, b]) => (a < b ? { minTimeNs: a, maxTimeNs: b } : { minTimeNs: b, maxTimeNs: a })); // prettier-ignore
const everything = { minTimeNs: -(2n ** 63n) + 2n, maxTimeNs: 2n ** 63n - 2n };

type Points = typeof points extends fc.Arbitrary<infer Some> ? Some : never;

/** Adds series together, but for some of them, which end what is added with those before. */
class ManySource extends MemorySource {
  foldMany({ seriesIds, columns, fields, table, ...asked }: ManyFoldRequest): ManyFolded {
    let [seriesCount, pointCount] = [0, 0];
    for (const [i, seriesId] of seriesIds.entries()) {
      if ((seriesId + this.shardId) % 3 === 2) break;
      seriesCount++;
      for (const [k, field] of fields.entries()) {
        const cursor = this.openCursor({ ...asked, seriesId, field, ascending: true });
        const mark = table.arena.mark();
        for (
          let batch = cursor.next(table.arena);
          batch !== undefined;
          batch = cursor.next(table.arena)
        ) {
          table.fold((columns[i] ?? 0) + k, batch);
          pointCount += batch.count;
        }
        table.arena.release(mark);
      }
    }
    added.together += seriesCount;
    return { seriesCount, pointCount };
  }
}

const added = { together: 0 };

function sourceOf(some: Points, shardId: number, Source = MemorySource): MemorySource {
  return new Source(
    some.map(({ host, timeNs, float: f, integer: i }) => ({ measurement: 'cpu', tags: { host }, fields: { f, i }, timeNs })), // prettier-ignore
    { shardId },
  );
}

/** The parts of a summary that were asked for, as cells. */
function shown(summary: WindowSummary, wanted: readonly SummaryPart[]): unknown {
  const of = {
    count: () => [...summary.counts],
    sum: () => summary.sums && cells(summary.sums, summary),
    min: () => [...(summary.mins?.timesNs ?? []), summary.mins && cells(summary.mins.values, summary)], // prettier-ignore
    max: () => [...(summary.maxs?.timesNs ?? []), summary.maxs && cells(summary.maxs.values, summary)], // prettier-ignore
    first: () => [...(summary.firsts?.timesNs ?? []), summary.firsts && cells(summary.firsts.values, summary)], // prettier-ignore
    last: () => [...(summary.lasts?.timesNs ?? []), summary.lasts && cells(summary.lasts.values, summary)], // prettier-ignore
  };
  return [[...summary.startsNs], wanted.map((part) => of[part]())];
}

function cells(column: Parameters<typeof cellValue>[0], { startsNs }: WindowSummary): unknown[] {
  return Array.from(startsNs, (_, i) => cellValue(column, i));
}

test('windows: the tables of the kernel hold what is gathered point by point', () => {
  fc.assert(
    fc.property(
      fc.record({
        shards: fc.array(manyPoints, { minLength: 1, maxLength: 2 }),
        wanted: parts,
        bounds: fc.oneof(range, fc.constant(everything)),
        intervalNs: fc.constantFrom(0n, 1n, 7n, 10n, 1_000n),
        isGrouped: fc.boolean(),
      }),
      ({ shards, wanted, bounds, intervalNs, isGrouped }) => {
        const fragment: Fragment = {
          version: fragmentVersion,
          measurement: 'cpu',
          shardIds: [],
          ...bounds,
          ascending: true,
          groupBy: isGrouped ? ['host'] : [],
          task: {
            kind: 'windows',
            fields: [
              { name: 'f', type: 'float', parts: wanted },
              { name: 'i', type: 'integer', parts: wanted },
            ],
            intervalNs,
            offsetNs: 3n,
          },
        };
        const answers = (
          [
            [kernel, MemorySource],
            [kernel, ManySource],
            [memoryArena(), MemorySource],
          ] as const
        ).map(([arena, Source]) => {
          const sources = shards.map((some, shardId) => sourceOf(some, shardId, Source));
          const context = new FragmentContext(arena, matcher, () => false);
          return [...blocksOf(fragment, sources, context)].map((block) => {
            if (block.kind !== 'windows') throw new Error('windows expected');
            return [block.group, block.fields.map((summary) => shown(summary, wanted))];
          });
        });
        expect(answers[0]).toEqual(answers[2]);
        expect(answers[1]).toEqual(answers[2]);
      },
    ),
    { numRuns: 400, seed: 1 },
  );
  expect(added.together).toBeGreaterThan(400);
});

test('windows: of zeros of both signs at one time the positive one counts, whichever series is read first', () => {
  const wanted = ['min', 'max', 'first', 'last'] as const;
  const fragment: Fragment = {
    ...{ version: fragmentVersion, measurement: 'cpu', shardIds: [], ...everything, ascending: true, groupBy: [] },
    task: { kind: 'windows', fields: [{ name: 'f', type: 'float', parts: wanted }], intervalNs: 10n, offsetNs: 0n },
  }; // prettier-ignore
  const rowOf = (host: string, zero: number) => ({ host, timeNs: 11n, float: zero, integer: 0n });
  for (const [a, b] of [[0, -0], [-0, 0]] as const) // prettier-ignore
    for (const [arena, Source] of [[kernel, MemorySource], [kernel, ManySource], [memoryArena(), MemorySource]] as const) {
      const sources = [sourceOf([rowOf('a', a), rowOf('b', b)], 0, Source)];
      const context = new FragmentContext(arena, matcher, () => false);
      const summaries = [...blocksOf(fragment, sources, context)].flatMap((block) => block.kind === 'windows' ? block.fields.map((summary) => shown(summary, wanted)) : []);
      expect(summaries).toEqual([[[10n], wanted.map(() => [11n, [0]])]]);
    } // prettier-ignore
});

test('windows: the nearest of a group, where no more are asked for, are those at that end of all of them', () => {
  fc.assert(
    fc.property(
      fc.record({
        shards: fc.array(points, { minLength: 1, maxLength: 3 }),
        wanted: parts,
        bounds: fc.oneof(range, fc.constant(everything)),
        intervalNs: fc.constantFrom(1n, 7n, 10n, 1_000n, 2n ** 30n),
        isGrouped: fc.boolean(),
        ascending: fc.boolean(),
        windowsMax: fc.integer({ min: 1, max: 5 }),
      }),
      ({ shards, wanted, bounds, intervalNs, isGrouped, ascending, windowsMax }) => {
        const sources = shards.map((some, shardId) => sourceOf(some, shardId));
        const fields = [
          { name: 'f', type: 'float' as const, parts: wanted },
          { name: 'i', type: 'integer' as const, parts: wanted },
        ];
        const answerOf = (cut: { readonly windowsMax?: number }) => {
          const fragment: Fragment = {
            ...{ version: fragmentVersion, measurement: 'cpu', shardIds: [], ...bounds, ascending },
            groupBy: isGrouped ? ['host'] : [],
            task: { kind: 'windows', fields, intervalNs, offsetNs: 3n, ...cut },
          };
          const context = new FragmentContext(kernel, matcher, () => false);
          return [...blocksOf(fragment, sources, context)].map((block) => {
            if (block.kind !== 'windows') throw new Error('windows expected');
            return [block.group, block.fields.map((summary) => nearestOf(summary, wanted, { ascending, windowsMax }))]; // prettier-ignore
          });
        };
        expect(answerOf({ windowsMax })).toEqual(answerOf({}));
      },
    ),
    { numRuns: 400, seed: 1 },
  );
});

/** Window by window, no more than so many from one end. */
function nearestOf(
  summary: WindowSummary,
  wanted: readonly SummaryPart[],
  { ascending, windowsMax }: { readonly ascending: boolean; readonly windowsMax: number },
): unknown {
  const rows = Array.from(summary.startsNs, (startNs, i) => {
    const of = {
      count: () => summary.counts[i],
      sum: () => summary.sums && cellValue(summary.sums, i),
      min: () => selectedOf(summary.mins, i),
      max: () => selectedOf(summary.maxs, i),
      first: () => selectedOf(summary.firsts, i),
      last: () => selectedOf(summary.lasts, i),
    };
    return [startNs, wanted.map((part) => of[part]())];
  });
  return ascending ? rows.slice(0, windowsMax) : rows.reverse().slice(0, windowsMax);
}

function selectedOf(selected: WindowSummary['mins'], i: number): unknown {
  return selected && [selected.timesNs[i], cellValue(selected.values, i)];
}
