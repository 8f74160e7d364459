import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkEndRow } from '../../../test/support/check-end-row.ts';
import { finished } from '../../../test/support/finished.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import type { Log } from '../../env/log.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import type { ShardView } from '../engine/shard-view.ts';
import type { ViewRequest } from '../engine/view-request.ts';
import { Store } from './store.ts';

const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };

function batchOf(lines: readonly string[]): Uint8Array {
  const { points } = parseLines(new TextEncoder().encode(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 9n }); // prettier-ignore
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

/** Time and value of the first row of a batch, as text. */
const decodingArena = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 }).arena;

function firstRow(view: ShardView | undefined, request: ViewRequest): string | undefined {
  const arena = memoryArena();
  const batch = view?.openCursor(request).next(arena);
  if (batch === undefined) return undefined;
  const memory = new DataView(arena.memory.buffer);
  const timeNs = memory.getBigInt64(batch.timesPtr, true);
  if (batch.type !== 'string') return `${timeNs} ${memory.getFloat64(batch.valuesPtr, true)}`;
  const [ptr, length] = [0, 4].map((at) => memory.getUint32(batch.valuesPtr + at, true));
  return `${timeNs} ${new TextDecoder().decode(new Uint8Array(arena.memory.buffer, ptr, length))}`;
}

function endText(end: ReturnType<ShardView['end']>): string | undefined {
  if (end === undefined) return undefined;
  const { timeNs, value } = end;
  return `${timeNs} ${typeof value === 'object' ? new TextDecoder().decode(value) : String(value)}`;
}

function timesOf(view: ShardView, request: ViewRequest): readonly bigint[] {
  const arena = decodingArena;
  const mark = arena.mark();
  const cursor = view.openCursor(request);
  const times: bigint[] = [];
  let rowsMost = request.rowsFirst ?? Infinity;
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    expect(batch.count).toBeLessThanOrEqual(rowsMost);
    rowsMost *= 4;
    times.push(...new BigInt64Array(arena.memory.buffer, batch.timesPtr, batch.count));
  }
  arena.release(mark);
  return times;
}

test('store: the end of a series is the first point that a cursor from there gives', async () => {
  const line = fc
    .record({
      host: fc.constantFrom('a', 'b'),
      fields: fc.constantFrom('f', 's', 'fs'),
      timeNs: fc.integer({ min: 0, max: 30 }),
    })
    .map(({ host, fields, timeNs }) => ({ host, fields, timeNs }));
  const step = fc.oneof(fc.array(line, { minLength: 1, maxLength: 8 }), fc.constant('flush' as const)); // prettier-ignore
  const bounds = fc.tuple(fc.integer({ min: -2, max: 32 }), fc.integer({ min: 0, max: 34 })).map(([min, width]) => ({ minTimeNs: BigInt(min), maxTimeNs: BigInt(min + width) })); // prettier-ignore
  let toldCount = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.array(bounds, { minLength: 4, maxLength: 8 }),
      async (steps, ranges) => {
        // prettier-ignore
        const folder = mkdtempSync(join(tmpdir(), 'store-end-'));
        const log = { info: () => undefined, error: () => undefined } as unknown as Log;
        const ports = { disk: new NodeDisk(), log, clock: new NodeClock(), turn: () => Promise.resolve() }; // prettier-ignore
        const limits = { segmentBytesMax: 1 << 20, queueBytesMax: 1 << 20, snapshotBytes: 1 << 20, snapshotColdMs: 600_000, cacheBytesMax: 1 << 24, memtablesBytesMax: 1 << 24 }; // prettier-ignore
        const store = await Store.open(ports, { dataFolder: `${folder}/data`, walFolder: `${folder}/wal`, worker: 0, isHome: () => true, ...limits }); // prettier-ignore
        let value = 0;
        for (const one of steps) {
          if (one === 'flush') await store.flush(place.shardId);
        else
          await store.write(place, batchOf(one.map(({ host, fields, timeNs }) => {
            const cells = [fields.includes('f') ? `f=${++value}` : '', fields.includes('s') ? `s="v${++value}"` : '']; // prettier-ignore
            return `m,h=${host} ${cells.filter((cell) => cell !== '').join(',')} ${timeNs}`;
          }))); // prettier-ignore
        }
        const view = store.view(place.shardId);
        for (const seriesId of finished(view?.seriesIds('m')) ?? []) {
          for (const range of ranges)
            for (const ascending of [true, false])
              if (view !== undefined && checkEndRow(view, { seriesId, fields: ['f', 's'], ...range, ascending }, decodingArena) && isInFiles(view)) toldCount++; // prettier-ignore
          for (const field of ['f', 's']) {
            for (const range of ranges) {
              for (const ascending of [true, false]) {
                const request = { seriesId, field, ...range, ascending };
                const byCursor = firstRow(view, request);
                // Decoded by neither kernel nor cache, by one, and as it was kept.
                for (const arena of [memoryArena(), decodingArena, decodingArena])
                  expect(endText(view?.end(request, arena))).toEqual(byCursor);
                if (view !== undefined) expect(timesOf(view, { ...request, rowsFirst: 1 })).toEqual(timesOf(view, request)); // prettier-ignore
              }
            }
          }
        }
        await store.close();
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 40, seed: 1 },
  );
  expect(toldCount).toBeGreaterThan(50);
});

function isInFiles(view: ShardView): boolean {
  return view.files.length > 0 && [...view.inMemory()].length === 0;
}
