import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../test/support/failing-disk.ts';
import { WalRecordKind, type WalRecord } from './wal-record.ts';
import { WalWriter, type WalOptions } from './wal-writer.ts';

const queueBytesMax = 4_096;

function record(sequence: number, lengthBytes = 100): WalRecord {
  const payload = new Uint8Array(lengthBytes).fill(sequence);
  return { kind: WalRecordKind.points, codec: 0, shardId: 1, sequence, rejectBitmap: new Uint8Array(0), payload }; // prettier-ignore
}

async function inWorld(
  body: (wal: WalWriter, disk: FailingDisk, commits: () => number) => Promise<void>,
  options: Partial<WalOptions> = {},
): Promise<void> {
  const world = new World(1);
  const disk = new FailingDisk(world.addNode('a').env.disk, { failAt: Infinity });
  let commitCount = 0;
  const watch = { during: (_: unknown, commit: () => Promise<void>) => (commitCount++, commit()) };
  const all = { folder: 'wal', run: 1, worker: 0, segmentBytesMax: 1 << 20, queueBytesMax, watch };
  await world.complete(body(new WalWriter(disk, { ...all, ...options }), disk, () => commitCount));
}

test('wal writer: what is on the disk waits no more, and what waits beyond the limit is refused', async () => {
  await inWorld(async (wal) => {
    for (let sequence = 1; sequence <= 50; sequence++) await wal.append(record(sequence, 1_000));
    const outcomes = await Promise.allSettled([51, 52, 53, 54].map((sequence) => wal.append(record(sequence, 1_400)))); // prettier-ignore
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']); // prettier-ignore
    expect(outcomes[2]).toMatchObject({ reason: { code: 'queue_full' } });
    // One that is larger than all that may wait goes alone.
    await wal.append(record(55, 10_000));
    await wal.close();
    await expect(wal.append(record(56))).rejects.toMatchObject({ code: 'shutdown' });
  });
});

test('wal writer: what is written in one turn shares a sync', async () => {
  await inWorld(async (wal, _, commits) => {
    await Promise.all([1, 2, 3].map((sequence) => wal.append(record(sequence))));
    expect(commits()).toBe(1);
    await wal.close();
  });
});

test('wal writer: a segment whose sync failed takes no more, and what it is known to hold is what was acknowledged', async () => {
  await inWorld(async (wal, disk) => {
    await wal.append(record(1));
    // The append of it goes through.
    disk.failIn(2);
    await expect(wal.append(record(2))).rejects.toMatchObject({ code: 'io_error' });
    await wal.append(record(3));
    expect(wal.closed.map(({ sequences }) => [...sequences])).toEqual([[[1, 1]]]);
    // One that holds nothing is gone again.
    const before = (await disk.list('wal')).length;
    const fresh = new WalWriter(disk, { folder: 'wal', run: 2, worker: 0, segmentBytesMax: 1, queueBytesMax }); // prettier-ignore
    disk.failIn(5);
    await expect(fresh.append(record(4))).rejects.toMatchObject({ code: 'io_error' });
    expect(fresh.closed).toEqual([]);
    expect((await disk.list('wal')).length).toBe(before);
    await wal.close();
    await fresh.close();
  });
});
