import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import type { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import { DbError } from '../../../base/errors.ts';
import { hashBytes } from '../../../base/hash-bytes.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { DatabaseSeries } from './database-series.ts';
import type { OpenShard } from './open-shards.ts';
import { SeriesBounds, sharedSeriesBounds } from './series-bounds.ts';
import { ShardMap } from './shard-map.ts';

const batch = decodePointBatch(batchOf('m,h=a v=1 1\nm,h=b v=1 2'));
const limits = { seriesMax: 3, valuesPerTagMax: 0 };

/**
 * A worker, what another one sees of its series, and shards of a database that have `seriesCount` series each and can be read or
 * not.
 */
function workerWith(seriesCount: number) {
  const shards = new ShardMap();
  const cells = sharedSeriesBounds(2);
  const disk = { error: undefined as DbError | undefined };
  const put = (shardId: number, firstSeries = 0): void => {
    const unknown = () => {
      if (disk.error !== undefined) throw disk.error;
      return new Uint8Array([1, 1]);
    };
    const sketchSeries = function* (sketch: HyperLogLog) {
      for (let i = 0; i < seriesCount; i++)
        sketch.addHash(hashBytes(Uint8Array.of(firstSeries + i), 0, 1));
      yield undefined;
    };
    const index = {
      seriesCount,
      unknown,
      view: () => ({ sketchSeries, release: () => undefined }),
    };
    shards.set(shardId, { place: { shardId, database: 'db' }, shard: { index } } as unknown as OpenShard); // prettier-ignore
  };
  const opener = { pendingDatabases: [], hasPendingOf: () => false, openOf: () => Promise.resolve() }; // prettier-ignore
  const make = (): DatabaseSeries => {
    const bounds = new SeriesBounds(cells, 0);
    return new DatabaseSeries({ shards, version: () => 0, changeVersion: () => 0, bounds, opener }, limits); // prettier-ignore
  };
  const other = new SeriesBounds(cells, 1);
  return { shards, disk, make, put, seen: () => other.ofOthers('db').series };
}

test('series limits: a batch whose series could not be looked at takes no room', () => {
  const { disk, make, put, seen } = workerWith(2);
  put(7);
  const series = make();
  disk.error = new DbError('io_error', 'no disk');
  for (let i = 0; i < 3; i++) expect(() => series.admit('db', batch)).toThrow('no disk');
  expect(seen()).toBe(2);
  disk.error = undefined;
  const { limited, end } = series.admit('db', batch);
  expect(limited?.series.count()).toBe(2);
  end();
});

test('series limits: other workers see series of shards that nobody has written to', () => {
  const open = workerWith(3);
  open.put(7);
  open.make();
  expect(open.seen()).toBe(3);
  const copied = workerWith(3);
  const series = copied.make();
  copied.put(7);
  series.look();
  expect(copied.seen()).toBe(3);
});

test('series limits: who has asked a worker sees what comes there behind its answer, though it counted anew for it', async () => {
  const { make, put, seen } = workerWith(2);
  // As if none were of both there are four.
  put(7);
  put(9);
  const series = make();
  expect(seen()).toBe(4);
  const { said, underWay } = await series.answer('db', batch, { tags: [] });
  expect([said, underWay]).toEqual([2, 0]);
  const { end } = series.admit('db', batch);
  expect(seen() + underWay - said).toBe(2);
  end();
});

test('series limits: a shard that goes takes what was counted with it, though another one has as many series', async () => {
  const { shards, make, put } = workerWith(2);
  put(7);
  put(9);
  const series = make();
  await series.answer('db', batch, { tags: [] });
  shards.delete(7);
  put(11, 2);
  const { limited, end } = series.admit('db', batch);
  expect(limited?.series.count()).toBe(4);
  end();
});
