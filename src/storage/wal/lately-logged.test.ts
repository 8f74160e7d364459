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
  const asked = { folder, run: 9, shardIds: new Set([16, 17]), windowNs: 10n, bytesMax: 1 << 20, nowNs: 10_000n }; // prettier-ignore
  const logged = await latelyLogged(ports, { ...asked, ...options });
  return logged.map(({ shardId, payload }) => `${shardId}: ${stampNs(stampOfBatch(payload))}`);
}

test('lately logged: of the shards that are asked for what was taken once no more than the window was left, by any one clock', async () => {
  await log(1, 0, [
    { ns: 80 },
    { ns: 88 },
    { ns: 95, shardId: 18 },
    { ns: 91, by: 2, shardId: 17 },
    { ns: 100 },
    { ns: 96, shardId: 18 },
  ]);
  expect(await lately()).toEqual(['17: 91', '16: 100']);
});

test('lately logged: what a coordinator gave last does not come without what others wrote over it since', async () => {
  await log(1, 0, [{ ns: 100 }, { ns: 101, by: 2 }, { ns: 141, by: 2 }, { ns: 150, by: 2 }]);
  expect(await lately()).toEqual(['16: 141', '16: 150']);
  await log(2, 1, [{ ns: 160 }]);
  expect(await lately()).toEqual(['16: 141', '16: 150', '16: 160']);
  // The last but one is of another run, which began after all that the first one has.
  await log(3, 0, [{ ns: 170 }, { ns: 190 }]);
  expect(await lately()).toEqual(['16: 190']);
});

test('lately logged: clocks that differ say nothing of each other', async () => {
  await log(1, 0, [{ ns: 5_000, by: 2 }, { ns: 90 }, { ns: 5_004, by: 2 }, { ns: 101 }]);
  expect(await lately()).toEqual(['16: 5000', '16: 90', '16: 5004', '16: 101']);
});

test('lately logged: what came late, as hints do, does not tell the time, nor what is of a clock that is days ahead', async () => {
  const day = 86_400_000_000_000;
  await log(1, 0, [
    { ns: 100 },
    { ns: 85, by: 2 },
    { ns: 2 * day, by: 3 },
    { ns: 5 * day, by: 3 },
    { ns: 108, by: 2 },
  ]);
  expect(await lately()).toHaveLength(5);
});

test('lately logged: what is older than deletes are remembered stays where it is', async () => {
  await log(1, 0, [{ ns: 100 }, { ns: 105 }]);
  const nowNs = 7n * 86_400_000_000_000n + 101n;
  expect(await lately({ nowNs })).toEqual(['16: 105']);
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

test('lately logged: of two workers of a run each tells the time by itself, and what a later run got late does not', async () => {
  await log(1, 0, [{ ns: 100 }]);
  await log(1, 1, [{ ns: 80 }, { ns: 95 }]);
  expect(await lately()).toEqual(['16: 100', '16: 95']);
  await log(2, 0, [{ ns: 60 }, { ns: 102 }]);
  expect(await lately()).toEqual(['16: 100', '16: 95', '16: 60', '16: 102']);
});

test('lately logged: batches larger than what is read at once keep their bytes', async () => {
  const wal = new WalWriter(disk, { folder, run: 1, worker: 0, segmentBytesMax: 1 << 24, queueBytesMax: 1 << 24, salt: 5 }); // prettier-ignore
  const payloads = [1, 2].map((value) => {
    const payload = new Uint8Array(600_000).fill(value);
    payload.set(batchOf(`m v=${value}i 5`));
    stampBatch(payload, makeStamp(100n, value, 1));
    return payload;
  });
  for (const [i, payload] of payloads.entries())
    await wal.append({ kind: WalRecordKind.points, codec: 0, shardId: 16, sequence: i + 1, rejectBitmap: new Uint8Array(0), payload }); // prettier-ignore
  await wal.close();
  const asked = { folder, run: 9, shardIds: new Set([16]), windowNs: 10n, nowNs: 10_000n };
  const logged = await latelyLogged(ports, asked);
  expect(logged.map(({ payload }) => Buffer.compare(payload, payloads.shift() ?? new Uint8Array()))).toEqual([0, 0]); // prettier-ignore
});
