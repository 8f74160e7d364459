import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import type { Log } from '../../env/log.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import { Store } from './store.ts';

const options = {
  ...{ worker: 0, isHome: () => true, segmentBytesMax: 64, queueBytesMax: 1 << 20 },
  ...{ snapshotBytes: 1 << 20, snapshotColdMs: 600_000 },
  ...{ cacheBytesMax: 1 << 24, memtablesBytesMax: 1 << 24 },
};

function batchOf(lines: string): Uint8Array {
  const builder = new PointBatchBuilder();
  const { points } = parseLines(Buffer.from(lines), { stepNs: 1n, defaultTimeNs: 9n });
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

test('store: with trace-logging-enabled it tells of each step, in the words of the reference where it has some', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'store-trace-'));
  const folders = { dataFolder: `${folder}/data`, walFolder: `${folder}/wal` };
  const said: string[] = [];
  const trace = { info: (message: string) => void said.push(message) };
  const log = { info: () => undefined, warn: () => undefined } as unknown as Log;
  const ports = { disk: new NodeDisk(), log, clock: new NodeClock(), turn: () => Promise.resolve(), trace }; // prettier-ignore
  const place = { shardId: 1, database: 'd', retentionPolicy: 'r', clusterId: 1n };
  const store = await Store.open(ports, { ...options, ...folders });
  await store.write(place, batchOf('m v=1 1'));
  await store.write(place, batchOf('m v=1 2'));
  await store.transfers.snapshot(1, 1);
  await store.close();
  await (await Store.open(ports, { ...options, ...folders })).close();
  rmSync(folder, { recursive: true });
  expect(new Set(said)).toEqual(new Set(['tsm1 WAL writing', 'Creating snapshot', 'Compacting cache', 'Removing WAL file', 'Shard is open, its index and its part of the log are read'])); // prettier-ignore
});
