import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchOf } from '../../../test/support/store-script.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { makeStamp, stampBatch, stampNs, stampOfBatch } from '../../models/stamp.ts';
import { latelyLogged, type LatelyLoggedOptions } from './lately-logged.ts';
import { WalRecordKind } from './wal-record.ts';
import { WalWriter } from './wal-writer.ts';

const disk = new NodeDisk();
const ports = { disk, clock: new NodeClock(), turn: () => Promise.resolve() };
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Written {
  readonly shardId?: number;
  readonly ns: number;
  /** The coordinator. */
  readonly by?: number;
}

/** Each batch in a segment of its own. */
async function log(run: number, worker: number, batches: readonly Written[]): Promise<void> {
  const options = { folder, run, worker, segmentBytesMax: 1, queueBytesMax: 1 << 20, salt: 5 };
  const wal = new WalWriter(disk, options);
  let sequence = 0;
  for (const { shardId = 16, ns, by = 1 } of batches) {
    const payload = batchOf(`m v=${ns}i 5`);
    stampBatch(payload, makeStamp(BigInt(ns), by, run));
    await wal.append({ kind: WalRecordKind.points, codec: 0, shardId, sequence: ++sequence, rejectBitmap: new Uint8Array(0), payload }); // prettier-ignore
  }
  await wal.close();
}

async function lately(options: Partial<LatelyLoggedOptions> = {}): Promise<readonly string[]> {
  const asked = { folder, run: 9, shardIds: new Set([16, 17]), windowNs: 10n, bytesMax: 1 << 20 };
  const logged = await latelyLogged(ports, { ...asked, ...options });
  return logged.map(({ shardId, payload }) => `${shardId}: ${stampNs(stampOfBatch(payload))}`);
}

test('lately logged: of each coordinator what it gave last, by its own clock, of the shards that are asked for', async () => {
  await log(1, 0, [
    { ns: 80 },
    { ns: 5_000, by: 2 },
    { ns: 90 },
    { ns: 4_985, by: 2, shardId: 17 },
    { ns: 99, shardId: 18 },
    { ns: 100 },
    { ns: 4_990, by: 2, shardId: 17 },
  ]);
  expect(await lately()).toEqual(['16: 5000', '16: 90', '16: 100', '17: 4990']);
});

test('lately logged: of all workers of the runs before, and of this one nothing', async () => {
  await log(1, 0, [{ ns: 100 }]);
  await log(1, 1, [{ ns: 101 }]);
  await log(2, 0, [{ ns: 7 }]);
  await log(3, 0, [{ ns: 8 }]);
  expect(await lately({ run: 2 })).toEqual(['16: 100', '16: 101', '16: 7']);
});

test('lately logged: no more of the log of a worker is read than it may', async () => {
  await log(1, 0, [{ ns: 98 }, { ns: 99 }, { ns: 100 }]);
  // Behind it is a segment that vouches for it.
  expect(await lately({ bytesMax: 150 })).toEqual(['16: 100']);
});

test('lately logged: a torn record, an empty segment and what is no segment cost only themselves', async () => {
  await log(1, 0, [{ ns: 98 }, { ns: 99 }, { ns: 100 }]);
  const [, second = '', third = ''] = readdirSync(folder).sort();
  truncateSync(join(folder, second), 0);
  truncateSync(join(folder, third), 150);
  await disk.replaceFile(`${folder}/other`, new Uint8Array(3));
  expect(await lately()).toEqual(['16: 98']);
  expect(await lately({ folder: `${folder}/missing` })).toEqual([]);
});
