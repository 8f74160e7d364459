import fc, { type Stream } from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { finished } from '../../../../test/support/finished.ts';
import { foldAll, shownWindows as shown } from '../../../../test/support/shown-windows.ts';
import type { Env } from '../../../env/env.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { summaryParts, type WindowTable } from '../../../kernels/window-table.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { Shard } from '../shard.ts';
import type { ShardView } from '../shard-view.ts';

const query = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const fields = ['f', 'i', 'x'] as const;
const types = ['float', 'integer', 'unsigned'] as const;

/** Rows that mostly come in order of time, some late and some again; a few have another shape. */
const streaks = fc.array(
  fc.record({
    count: fc.integer({ min: 60, max: 140 }),
    back: fc.constantFrom(0, 0, 0, 1, 50),
    hasText: fc.constantFrom(false, false, false, true),
    /** Whether what is there then goes to a file. */
    isFlushed: fc.constantFrom(false, false, true),
  }),
  { minLength: 1, maxLength: 6 },
);
const value = fc.infiniteStream(fc.oneof(fc.constantFrom(0, -0, 1.5), fc.double({ noNaN: true, noDefaultInfinity: true }))); // prettier-ignore

function write(shard: Shard, lines: readonly string[]): void {
  const builder = new PointBatchBuilder();
  for (const point of parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 0n })
    .points)
    // prettier-ignore
    builder.add(seriesKey(point.measurement, point.tags), point);
  shard.apply(decodePointBatch(builder.finish()), new Uint8Array());
}

interface Asked {
  readonly seriesId: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

function byCursors(view: ShardView, table: WindowTable, asked: Asked): number {
  const { arena } = query;
  let count = 0;
  for (const [column, field] of fields.entries()) {
    const cursor = view.openCursor({ ...asked, field, ascending: true });
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      table.fold(column, batch);
      count += batch.count;
    }
  }
  return count;
}

interface Question {
  readonly all: readonly { readonly count: number; readonly back: number; readonly hasText: boolean; readonly isFlushed: boolean }[]; // prettier-ignore
  readonly value: Stream<number>;
  readonly intervalNs: bigint;
  readonly cut: bigint;
  readonly clears: boolean;
}

const tally = { folded: 0, byBoth: 0 };

async function compare(
  { disk, clock }: Pick<Env, 'disk' | 'clock'>,
  { all, value: values, intervalNs, cut, clears }: Question,
): Promise<void> {
  const own = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
  const shard = new Shard(1, own);
  await disk.makeDir('shard');
  const views: ShardView[] = [];
  let next = 0;
  for (const [number, { count, back, hasText, isFlushed }] of all.entries()) {
    next -= back;
    write(
      shard,
      Array.from({ length: count }, (_, i) => `m,t=${i % 7 === 0 ? 'b' : 'a'} f=${values.next().value},i=${(i * 7_919) % 31}i${hasText ? ',s="x"' : ''} ${next + i}`), // prettier-ignore
    );
    next += count;
    if (isFlushed) {
      shard.setAside({ beginsTable: false });
      await shard.flush(`shard/${number}.tsm`, { disk, clock, turn: () => Promise.resolve(), cache: undefined, blocks: undefined }); // prettier-ignore
    }
    views.push(shard.view());
  }
  const grid = { startNs: -201n, intervalNs, count: Number(1_200n / intervalNs) + 1 };
  // The newest first, so that those before it find what was made for a later view.
  for (const view of views.reverse())
    for (const seriesId of finished(view.seriesIds('m'))) {
      const mark = query.arena.mark();
      const columns = types.map((type) => ({ type, parts: summaryParts }));
      const [there, here] = [query.windowTable(columns, grid), query.windowTable(columns, grid)];
      const asked = { seriesId, minTimeNs: cut - 60n, maxTimeNs: BigInt(next) - cut };
      const count = foldAll(view.fold({ ...asked, fields, table: there }));
      if (count === undefined)
        expect(shown(there.finish())).toEqual(shown(query.windowTable(columns, grid).finish()));
      else {
        expect(count).toBe(byCursors(view, here, asked));
        expect(shown(there.finish())).toEqual(shown(here.finish()));
        tally.folded += count;
        if (view.files.length > 0 && [...view.inMemory()].length > 0) tally.byBoth += count;
      }
      query.arena.release(mark);
      if (clears) own.kept.clear();
    }
  for (const view of views) view.release();
  await shard.close();
}

test('fold rows: rows of memtables and of files before them that are folded where they lie give the words that cursors give', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ all: streaks, value, intervalNs: fc.constantFrom(1n, 50n, 300n, 5_000n), cut: fc.bigInt(0n, 200n), clears: fc.boolean() }), // prettier-ignore
      async (asked) => {
        const world = new World(1);
        await world.complete(compare(world.addNode('a').env, asked));
      },
    ),
    { numRuns: 120, seed: 11 },
  );
  expect(tally.folded).toBeGreaterThan(10_000);
  expect(tally.byBoth).toBeGreaterThan(1_000);
});

test('fold rows: a time that no window takes is an error, and nothing of it is in the tables', () => {
  const own = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
  const shard = new Shard(1, own);
  write(shard, Array.from({ length: 100 }, (_, i) => `m f=${i} ${i}`)); // prettier-ignore
  const view = shard.view();
  const [seriesId = -1] = finished(view.seriesIds('m'));
  const mark = query.arena.mark();
  const table = query.windowTable([{ type: 'float', parts: ['sum'] }], { startNs: 0n, intervalNs: 10n, count: 5 }); // prettier-ignore
  const fold = (maxTimeNs: bigint) => foldAll(view.fold({ seriesId, fields: ['f'], table, minTimeNs: 0n, maxTimeNs })); // prettier-ignore
  expect(() => fold(99n)).toThrow('damaged');
  expect(table.finish()[0]?.counts).toHaveLength(0);
  expect(fold(49n)).toBe(50);
  expect([...(table.finish()[0]?.counts ?? [])]).toEqual([10n, 10n, 10n, 10n, 10n]);
  query.arena.release(mark);
  view.release();
});
