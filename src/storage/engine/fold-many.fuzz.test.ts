import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { finished } from '../../../test/support/finished.ts';
import { shownWindows } from '../../../test/support/shown-windows.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import type { Env } from '../../env/env.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { summaryParts, type SummaryPart, type WindowTable } from '../../kernels/window-table.ts';
import type { ShardView } from './shard-view.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const fields = ['f', 'i', 'x'] as const;
const types = ['float', 'integer', 'integer'] as const;

/** Beginnings of each other, in an order of their own in files, and some that are written with escapes there. */
const hosts = ['', '!', '!a'].flatMap((end) =>
  Array.from({ length: 120 }, (_, i) => `h${i}${end}`),
);
hosts.splice(60, 0, 'h4#!~', 'h55a#!~#f');

const round = fc.record({
  /** Each host from the first on, so many of them. */
  hostCount: fc.constantFrom(3, 61, 200, 330, hosts.length),
  step: fc.constantFrom(1, 1, 1, 3),
  rows: fc.constantFrom(1, 2, 3, 9),
  /** Rows of one host, more than are read with those of others. */
  hostRows: fc.constantFrom(0, 0, 0, 300, 1_500),
  /** How far before the end of the round before it its times begin. */
  back: fc.constantFrom(0, 0, 0, 0, 2),
  isMixed: fc.constantFrom(false, false, true),
  isFlushed: fc.boolean(),
});
const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  parts: fc.uniqueArray(fc.constantFrom<SummaryPart>(...summaryParts)),
  fieldCount: fc.integer({ min: 1, max: 3 }),
  groups: fc.constantFrom(1, 1, 7),
  intervalNs: fc.constantFrom(1n, 5n, 5_000n),
  cut: fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 })),
  /** Which series are asked for. */
  every: fc.constantFrom(1, 1, 3, 11),
  deletes: fc.constantFrom(false, false, true),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

/** Lines of each round, and the time behind all of them. */
function linesOf({ rounds, seed }: Question): {
  readonly bodies: string[];
  readonly endNs: number;
} {
  let state = seed;
  const dice = (most: number): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % most; // prettier-ignore
  let next = 0;
  const bodies = rounds.map(({ hostCount, step, rows, hostRows, back, isMixed }) => {
    next = Math.max(0, next - back);
    const lines: string[] = [];
    const add = (host: string, time: number): void => {
      // The order of a sum shows in the last digits.
      const value = `f=${dice(1_000) / 7},i=${dice(99) - 50}i`;
      const other = isMixed && dice(4) === 0 ? `f=${dice(9)}` : `${value},x=${dice(50)}i`;
      lines.push(`m,h=${host} ${other} ${time}`);
    };
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < hostCount; i += step)
        add(hosts[i] as string, next + (isMixed ? rows - 1 - row : row));
    for (let row = 0; row < hostRows; row++) add('h7', next + rows + row);
    next += rows + hostRows;
    return lines.join('\n');
  });
  return { bodies, endNs: next };
}

interface Asked {
  readonly table: WindowTable;
  readonly names: readonly string[];
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

function byCursors(view: ShardView, seriesId: number, { table, names, ...bounds }: Asked & { readonly base: number }): number {
  const { arena } = kernel;
  let count = 0;
  for (const [i, field] of names.entries()) {
    const cursor = view.openCursor({ seriesId, field, ...bounds, ascending: true });
    const mark = arena.mark();
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      table.fold(bounds.base + i, batch);
      count += batch.count;
      arena.release(mark);
    }
  }
  return count;
} // prettier-ignore

const tally = { together: 0, alone: 0, points: 0 };

/** As many at once as can be, and the others by cursors. */
function together(view: ShardView, ids: Uint32Array, columns: Uint32Array, asked: Asked): number {
  let count = 0;
  for (let at = 0; at < ids.length;) {
    const { names, ...rest } = asked;
    const done = view.foldMany({ ...rest, measurements: ['m'], fields: names, seriesIds: ids.subarray(at), columns: columns.subarray(at) }); // prettier-ignore
    at += done.seriesCount;
    count += done.pointCount;
    tally.together += done.seriesCount;
    tally.points += done.pointCount;
    if (at === ids.length) break;
    count += byCursors(view, ids[at] ?? 0, { ...asked, base: columns[at] ?? 0 });
    at++;
    tally.alone++;
  }
  return count;
}

async function compare({ disk, clock }: Pick<Env, 'disk' | 'clock'>, asked: Question): Promise<void> {
  const store = await openStore(disk, clock);
  const { bodies, endNs } = linesOf(asked);
  for (const [i, body] of bodies.entries()) {
    await store.write(kept, batchOf(body));
    if (asked.rounds[i]?.isFlushed === true) await store.flush(kept.shardId);
  }
  const view = store.view(kept.shardId) as ShardView;
  const all = finished(view.seriesIds('m')).filter((_, i) => i % asked.every === 0);
  const ids = Uint32Array.from(all);
  if (asked.deletes) view.files[0]?.forgetRange([0, 5, 40], { minTimeNs: 0n, maxTimeNs: 1n });
  const names = fields.slice(0, asked.fieldCount);
  const columns = ids.map((_, i) => (i % asked.groups) * names.length);
  const [a, b] = asked.cut.map(BigInt) as [bigint, bigint];
  const bounds = { minTimeNs: a % 3n === 0n ? -(2n ** 63n) : a, maxTimeNs: b % 3n === 0n ? 2n ** 63n - 1n : BigInt(endNs) - b }; // prettier-ignore
  const grid = { startNs: -1n, intervalNs: asked.intervalNs, count: Math.ceil((endNs + 2) / Number(asked.intervalNs)) }; // prettier-ignore
  const shape = Array.from({ length: asked.groups }, () => names.map((_, i) => ({ type: types[i] ?? 'float', parts: asked.parts }))).flat(); // prettier-ignore
  const mark = kernel.arena.mark();
  const [there, here] = [kernel.windowTable(shape, grid), kernel.windowTable(shape, grid)];
  const count = together(view, ids, columns, { ...bounds, table: there, names });
  let wanted = 0;
  for (const [i, id] of ids.entries())
    wanted += byCursors(view, id, { ...bounds, table: here, names, base: columns[i] ?? 0 });
  expect(count).toBe(wanted);
  expect(shownWindows(there.finish())).toEqual(shownWindows(here.finish()));
  kernel.arena.release(mark);
  view.release();
  await store.close();
} // prettier-ignore

test('fold many: series of files and memtables that are read together give the words that cursors give one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 40, seed: 17 },
  );
  expect(tally.together).toBeGreaterThan(3_000);
  expect(tally.alone).toBeGreaterThan(50);
  expect(tally.points).toBeGreaterThan(20_000);
});
