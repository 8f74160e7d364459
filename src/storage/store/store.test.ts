import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeDisk } from '../../env/node/node-disk.ts';
import type { Log } from '../../env/log.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { Store } from './store.ts';

const log = { info: () => undefined, warn: () => undefined } as unknown as Log;
const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function open(): Promise<Store> {
  const options = {
    dataFolder: `${folder}/data`,
    walFolder: `${folder}/wal`,
    worker: 0,
    isHome: () => true,
    segmentBytesMax: 1 << 20,
    queueBytesMax: 1 << 20,
  };
  return Store.open({ disk: new NodeDisk(), log }, options);
}

function batchOf(lines: string): Uint8Array {
  const { points } = parseLines(new TextEncoder().encode(lines), { stepNs: 1n, defaultTimeNs: 9n });
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

/** All values of a field as `key time value`, in the order of a cursor. */
function read(store: Store, measurement: string, field: string, ascending = true): string[] {
  const view = store.view(place.shardId);
  if (view === undefined) return [];
  const rows: string[] = [];
  for (const seriesId of view.seriesIds(measurement)) {
    const arena = memoryArena();
    const bounds = { minTimeNs: -100n, maxTimeNs: 1000n, ascending };
    const cursor = view.openCursor({ seriesId, field, ...bounds });
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      const memory = new DataView(arena.memory.buffer);
      for (let i = 0; i < batch.count; i++) {
        const at = batch.valuesPtr + i * 8;
        const value = {
          float: () => memory.getFloat64(at, true),
          integer: () => memory.getBigInt64(at, true),
          unsigned: () => memory.getBigUint64(at, true),
          boolean: () => memory.getUint8(batch.valuesPtr + i),
          string: () => {
            const bytes = new Uint8Array(arena.memory.buffer, memory.getUint32(at, true), memory.getUint32(at + 4, true)); // prettier-ignore
            return new TextDecoder().decode(bytes);
          },
        }[batch.type]();
        const timeNs = memory.getBigInt64(batch.timesPtr + i * 8, true);
        rows.push(`${view.series(seriesId).key} ${timeNs} ${value}`);
      }
    }
  }
  return rows;
}

test('store: late, repeated and partial rows of a series read back in time order, last write wins', async () => {
  const store = await open();
  await store.write(
    place,
    batchOf('m,h=a v=1,s="x" 30\nm,h=a v=2 10\nm,h=b v=5 10\nm,h=a s="z" 30'),
  );
  await store.write(place, batchOf('m,h=a v=3 30\nm,h=a v=4 20\nm,h=a s="grün" -5'));
  const v = ['m,h=a 10 2', 'm,h=a 20 4', 'm,h=a 30 3', 'm,h=b 10 5'];
  expect(read(store, 'm', 'v')).toEqual(v);
  expect(read(store, 'm', 's', false)).toEqual(['m,h=a 30 z', 'm,h=a -5 grün']);
  await store.close();
});

test('store: what was written is there after it was opened again', async () => {
  const first = await open();
  await first.write(place, batchOf('m,h=a v=9223372036854775807i,b=true 30'));
  const second = await open();
  await second.write(place, batchOf('m,h=a v=-1i,b=false 40'));
  expect(read(second, 'm', 'v')).toEqual(['m,h=a 30 9223372036854775807', 'm,h=a 40 -1']);
  const third = await open();
  expect(read(third, 'm', 'b')).toEqual(['m,h=a 30 1', 'm,h=a 40 0']);
  for (const store of [first, second, third]) await store.close();
});

test('store: a row whose field has another type is refused, also after replay; the others are kept', async () => {
  const store = await open();
  await store.write(place, batchOf('m,h=a v=1 10'));
  const receipt = await store.write(place, batchOf('m,h=a v=2 20\nm,h=a v=3i 30\nm,h=c v=4i 30'));
  const reason =
    'field type conflict: input field "v" on measurement "m" is type integer, already exists as type float';
  expect(receipt).toEqual({ droppedCount: 2, reason });
  expect(read(store, 'm', 'v')).toEqual(['m,h=a 10 1', 'm,h=a 20 2']);
  expect(store.view(7)?.seriesIds('m')).toHaveLength(1);
  const again = await open();
  expect(read(again, 'm', 'v')).toEqual(['m,h=a 10 1', 'm,h=a 20 2']);
  expect(await again.write(place, batchOf('m,h=a v=3i 30'))).toEqual({ droppedCount: 1, reason });
  await store.close();
  await again.close();
});

test('store: a deleted shard is gone, and its records do not bring it back', async () => {
  const store = await open();
  await store.write(place, batchOf('m v=1 10'));
  await store.deleteShard(7);
  expect(store.view(7)).toBeUndefined();
  const again = await open();
  expect(again.view(7)).toBeUndefined();
  await store.close();
  await again.close();
});
