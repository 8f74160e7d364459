import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { finished } from '../../../../test/support/finished.ts';
import { shownWindows } from '../../../../test/support/shown-windows.ts';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import type { Env } from '../../../env/env.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import type { FieldType } from '../../../models/field-value.ts';
import { ListedIndex, type SeriesList } from '../../index/listed-index.ts';
import { ShardView } from '../shard-view.ts';
import type { ViewCursor, ViewFold } from '../view-request.ts';
import type { TimeBounds } from './shape-table.ts';
import { LentMemtable } from './lent-rows.ts';
import { lendRows, type LentRows } from './lend-rows.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const { arena } = kernel;
const names = ['f', 'i', 'b', 's'] as const;
type Name = (typeof names)[number];
const values = {
  f: (n: number) => `${n / 7}`,
  i: (n: number) => `${n}i`,
  b: (n: number) => String(n % 2 === 0),
  s: (n: number) => `"${'ä'.repeat(n % 4)}${n}"`,
};

const round = fc.record({
  hosts: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd#!~#'), { minLength: 1 }),
  /** Of a shape of its own. */
  fields: fc.oneof(
    { weight: 3, arbitrary: fc.constant([...names]) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }) },
  ),
  /** A cursor has 4,096 at once, and series of fewer than 64 are not kept in order. */
  rows: fc.constantFrom(1, 3, 70, 70, 4_200),
  /** How far before the end of the round before it its times begin. */
  back: fc.constantFrom(0, 0, 2, 100),
  isFlushed: fc.constantFrom(false, false, false, true),
});
const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
  cut: fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 90 })),
  ascending: fc.boolean(),
  rowsFirst: fc.constantFrom(undefined, 1, 3),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function bodiesOf({ rounds }: Question): { readonly bodies: string[]; readonly endNs: number } {
  let [next, n, endNs] = [0, 0, 0];
  const bodies = rounds.map(({ hosts, fields, rows, back }) => {
    next = Math.max(0, next - back);
    const lines: string[] = [];
    for (let row = 0; row < rows; row++)
      for (const host of hosts) {
        n += 3;
        const written = (fields as readonly Name[]).map((name) => `${name}=${values[name](n)}`);
        lines.push(`m,h=${host} ${written.join()} ${next + row}`);
      }
    next += rows;
    endNs = Math.max(endNs, next);
    return lines.join('\n');
  });
  return { bodies, endNs };
}

/** What a cursor gives, batch after batch. */
function shown(cursor: ViewCursor): readonly string[] {
  const rows: string[] = [];
  for (;;) {
    const mark = arena.mark();
    const batch = cursor.next(arena);
    if (batch === undefined) return rows;
    const { type, count, timesPtr, valuesPtr } = batch;
    const view = new DataView(arena.memory.buffer);
    for (let i = 0; i < count; i++) {
      const at = valuesPtr + i * 8;
      const text = (): string =>
        Buffer.from(
          arena.memory.buffer,
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
        ).toString();
      const value =
        type === 'boolean'
          ? view.getUint8(valuesPtr + i)
          : type === 'string'
            ? text()
            : view.getBigUint64(at, true);
      rows.push(`${view.getBigInt64(timesPtr + i * 8, true)} ${type} ${value}`);
    }
    arena.release(mark);
  }
}

const tally = { rows: 0, together: 0, lent: 0 };

function listOf(view: ShardView): { readonly list: SeriesList; readonly ids: Uint32Array } {
  const ids = finished(view.seriesIds('m'));
  const keys = [...ids].map((id) => Buffer.from(view.keyOf(id)));
  const ends = Uint32Array.from(keys, (_, i) =>
    keys.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0),
  );
  const fields = [...view.index.fields('m')] as [string, FieldType][];
  return {
    ids,
    list: { measurement: 'm', fields, tagKeys: ['h'], keys: Buffer.concat(keys), ends },
  };
}

/** As another worker has it. */
function lentView(view: ShardView, list: SeriesList, bounds: TimeBounds): ShardView {
  const parts = view.partsWithin(bounds) ?? { files: [], memtables: [] };
  const fields = list.fields.map(([name, type]) => ({ name, type }));
  const ports = { take: () => true, release: () => undefined };
  const memtables = parts.memtables.flatMap((memtable) => {
    const rows = finished(lendRows(memtable, { list, fields, ...bounds }, ports));
    if (rows === undefined || rows === 'unlent') return [];
    tally.lent++;
    return [new LentMemtable(structuredClone<LentRows>(rows))];
  });
  return ShardView.within(view.shardId, new ListedIndex(list), { files: parts.files, memtables });
}

function folded(view: ShardView, ids: Uint32Array, bounds: TimeBounds, endNs: number) {
  const mark = arena.mark();
  const fields = ['f', 'i'];
  const parts = ['sum', 'min', 'first', 'last'] as const;
  const grid = { startNs: -1n, intervalNs: 50n, count: Math.ceil((endNs + 2) / 50) };
  const table = kernel.windowTable(
    [
      { type: 'float', parts },
      { type: 'integer', parts },
    ],
    grid,
  );
  table.takeRuns();
  const columns = new Uint32Array(ids.length);
  for (let at = 0; at < ids.length;) {
    const asked = {
      ...bounds,
      table,
      measurements: ['m'],
      fields,
      seriesIds: ids.subarray(at),
      columns: columns.subarray(at),
    };
    const { seriesCount } = view.foldMany(asked);
    tally.together += seriesCount;
    at += seriesCount;
    if (at === ids.length) break;
    const alone = { ...bounds, seriesId: ids[at] ?? 0, fields, table };
    const steps = view.fold(alone);
    while (steps?.next() !== undefined);
    if (steps === undefined) addByCursors(view, alone);
    at++;
  }
  const found = shownWindows(table.finish());
  arena.release(mark);
  return found;
}

function addByCursors(view: ShardView, { seriesId, fields, table, ...bounds }: ViewFold): void {
  for (const [i, field] of fields.entries()) {
    const cursor = view.openCursor({ seriesId, field, ...bounds, ascending: true });
    const mark = arena.mark();
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      table.fold(i, batch);
      arena.release(mark);
    }
  }
}

async function compare(
  { disk, clock }: Pick<Env, 'disk' | 'clock'>,
  asked: Question,
): Promise<void> {
  const store = await openStore(disk, clock);
  const { bodies, endNs } = bodiesOf(asked);
  for (const [i, body] of bodies.entries()) {
    await store.write(kept, batchOf(body));
    if (asked.rounds[i]?.isFlushed === true) await store.flush(kept.shardId);
  }
  const view = store.view(kept.shardId) as ShardView;
  const { list, ids } = listOf(view);
  const [a, b] = asked.cut.map(BigInt) as [bigint, bigint];
  const bounds = {
    minTimeNs: a % 3n === 0n ? -(2n ** 63n) : a,
    maxTimeNs: b % 3n === 0n ? 2n ** 63n - 1n : BigInt(endNs) - b,
  };
  const lent = lentView(view, list, bounds);
  // Rows that come later are not those of the view.
  await store.write(kept, batchOf(bodies[0] ?? ''));
  const { ascending, rowsFirst } = asked;
  for (const [place, seriesId] of ids.entries())
    for (const field of names) {
      const of = { field, ...bounds, ascending };
      const rows = shown(view.openCursor({ ...of, seriesId, rowsFirst }));
      tally.rows += rows.length;
      expect(shown(lent.openCursor({ ...of, seriesId: place, rowsFirst }))).toEqual(rows);
      expect(lent.end({ ...of, seriesId: place }, arena)).toEqual(
        view.end({ ...of, seriesId }, arena),
      );
    }
  expect(
    folded(
      lent,
      Uint32Array.from(ids, (_, i) => i),
      bounds,
      endNs,
    ),
  ).toEqual(folded(view, ids, bounds, endNs));
  lent.release();
  view.release();
  await store.close();
}

test('lent rows: another worker reads what a memtable had when it was viewed, of any shape and type', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 14, seed: 105 },
  );
  expect(tally.lent).toBeGreaterThan(7);
  expect(tally.rows).toBeGreaterThan(10_000);
  expect(tally.together).toBeGreaterThan(10);
});
