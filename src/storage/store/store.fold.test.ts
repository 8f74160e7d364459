import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { finished } from '../../../test/support/finished.ts';
import { foldAll, shownWindows } from '../../../test/support/shown-windows.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import type { Log } from '../../env/log.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import type { ShardView } from '../engine/shard-view.ts';
import { Store } from './store.ts';

const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
/** Lines, and moments at which all that is in memory goes to a file. */
type Step = readonly string[] | 'flush';

function batchOf(lines: readonly string[]): Uint8Array {
  const { points } = parseLines(new TextEncoder().encode(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 9n }); // prettier-ignore
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

async function onStore(steps: readonly Step[], look: (view: ShardView) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'store-fold-'));
  const log = { info: () => undefined, error: () => undefined } as unknown as Log;
  const ports = { disk: new NodeDisk(), log, clock: new NodeClock(), turn: () => Promise.resolve() }; // prettier-ignore
  const limits = { segmentBytesMax: 1 << 20, queueBytesMax: 1 << 20, snapshotBytes: 1 << 20, snapshotColdMs: 600_000, cacheBytesMax: 1 << 24, memtablesBytesMax: 1 << 24 }; // prettier-ignore
  const store = await Store.open(ports, { dataFolder: `${folder}/data`, walFolder: `${folder}/wal`, worker: 0, isHome: () => true, ...limits }); // prettier-ignore
  for (const step of steps)
    if (step === 'flush') await store.flush(place.shardId);
    else await store.write(place, batchOf(step));
  const view = store.view(place.shardId);
  if (view !== undefined) look(view);
  view?.release();
  await store.close();
  rmSync(folder, { recursive: true });
}

/** Of one series, where its points lie; undefined when they have to be read by cursors. */
function folded(view: ShardView, seriesId: number, bounds: { minTimeNs: bigint; maxTimeNs: bigint }): unknown {
  const table = kernel.windowTable([{ type: 'float', parts: ['sum', 'first', 'last'] }], { startNs: 0n, intervalNs: 7n, count: 10 });
  const count = foldAll(view.fold({ seriesId, ...bounds, fields: ['f'], table }));
  const windows = table.finish();
  return count === undefined ? undefined : [count, shownWindows(windows)];
} // prettier-ignore

function byCursor(view: ShardView, seriesId: number, bounds: { minTimeNs: bigint; maxTimeNs: bigint }): unknown {
  const table = kernel.windowTable([{ type: 'float', parts: ['sum', 'first', 'last'] }], { startNs: 0n, intervalNs: 7n, count: 10 });
  const cursor = view.openCursor({ seriesId, field: 'f', ...bounds, ascending: true });
  let count = 0;
  const mark = table.arena.mark();
  for (let batch = cursor.next(table.arena); batch !== undefined; batch = cursor.next(table.arena)) {
    table.fold(0, batch);
    count += batch.count;
    table.arena.release(mark);
  }
  return [count, shownWindows(table.finish())];
} // prettier-ignore

test('store: series whose last points of files are of the time at which the memtable begins are read where they lie', async () => {
  const tick = (timeNs: number, hosts: string): readonly string[] => Array.from(hosts, (host) => host).map((host) => `m,h=${host} f=${timeNs} ${timeNs}`); // prettier-ignore
  const all = { minTimeNs: 0n, maxTimeNs: 60n };
  // The file has a and b of the second tick, the memtable c and d of it.
  const steps: readonly Step[] = [tick(10, 'abcd'), tick(20, 'ab'), 'flush', tick(20, 'cd'), tick(30, 'abcd')];
  await onStore(steps, (view) => {
    for (const seriesId of finished(view.seriesIds('m')))
      expect(folded(view, seriesId, all)).toEqual(byCursor(view, seriesId, all));
  });
  // A point that is written again is one.
  await onStore([...steps, tick(20, 'a')], (view) => {
    const [first = 0, ...others] = finished(view.seriesIds('m'));
    expect(folded(view, first, all)).toBeUndefined();
    for (const seriesId of others)
      expect(folded(view, seriesId, all)).toEqual(byCursor(view, seriesId, all));
  });
}); // prettier-ignore

test('store: what is read where it lies is what cursors give, however points came', async () => {
  const line = fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('f', 'fs', 's'), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 9 }))
    .map(([host, fields, timeNs, value]) => `m,h=${host} ${[fields.includes('f') ? `f=${value / 3}` : '', fields.includes('s') ? 's="x"' : ''].filter((cell) => cell !== '').join(',')} ${timeNs}`);
  const inOrder = fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => lines.sort((a, b) => Number(a.split(' ')[2]) - Number(b.split(' ')[2])));
  const step = fc.oneof({ arbitrary: inOrder, weight: 3 }, { arbitrary: fc.constant('flush' as const), weight: 1 });
  let foldedCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 60 }), async (steps, min, width) => {
      const bounds = { minTimeNs: BigInt(min), maxTimeNs: BigInt(min + width) };
      await onStore(steps, (view) => {
        if (!view.fields('m').some(({ name }) => name === 'f')) return;
        for (const seriesId of finished(view.seriesIds('m'))) {
          const whereItLies = folded(view, seriesId, bounds);
          if (whereItLies === undefined) continue;
          foldedCount++;
          expect(whereItLies).toEqual(byCursor(view, seriesId, bounds));
        }
      });
    }),
    { numRuns: 40, seed: 1 },
  );
  expect(foldedCount).toBeGreaterThan(30);
}); // prettier-ignore
