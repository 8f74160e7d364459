import { expect, test } from 'vitest';
import type { Env } from '../../env/env.ts';
import { World } from '../../../test/sim/world/world.ts';
import { WalRecordKind, type WalRecord } from './wal-record.ts';
import { WalWriter } from './wal-writer.ts';

const delayMs = 100;

async function inWorld(
  body: (env: Env, wal: WalWriter, syncs: number[]) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const { disk, clock } = env;
  const syncs: number[] = [];
  const watch = {
    during: (_: unknown, commit: () => Promise<void>) => {
      syncs.push(Math.round(clock.monotonicMs()));
      return commit();
    },
  };
  const options = {
    folder: 'wal',
    run: 1,
    worker: 0,
    segmentBytesMax: 1 << 20,
    queueBytesMax: 4_096,
    watch,
  };
  await world.complete(
    body(env, new WalWriter(disk, { ...options, gathering: { clock, delayMs } }), syncs),
  );
}

function record(sequence: number, lengthBytes = 100): WalRecord {
  const payload = new Uint8Array(lengthBytes).fill(sequence);
  return {
    kind: WalRecordKind.points,
    codec: 0,
    shardId: 1,
    sequence,
    rejectBitmap: new Uint8Array(0),
    payload,
  };
}

test('wal-fsync-delay: writes of a tenth of a second share a sync, and none is acknowledged before it', async () => {
  await inWorld(async ({ clock }, wal, syncs) => {
    const startMs = clock.monotonicMs();
    const acknowledgedMs: number[] = [];
    const write = async (sequence: number): Promise<void> => {
      await wal.append(record(sequence));
      acknowledgedMs.push(clock.monotonicMs() - startMs);
    };
    const writes = [write(1)];
    for (const sequence of [2, 3, 4]) {
      await clock.sleep(30);
      writes.push(write(sequence));
    }
    await Promise.all(writes);
    expect(syncs).toHaveLength(1);
    expect(acknowledgedMs).toHaveLength(4);
    expect(Math.min(...acknowledgedMs)).toBeGreaterThanOrEqual(delayMs);
    await write(5);
    expect(syncs).toHaveLength(2);
    await wal.close();
  });
});

test('wal-fsync-delay: a close does not wait, and what waited is durable', async () => {
  await inWorld(async ({ clock }, wal, syncs) => {
    const startMs = clock.monotonicMs();
    const written = wal.append(record(1));
    await clock.sleep(1);
    await wal.close();
    await written;
    expect(syncs).toHaveLength(1);
    expect(clock.monotonicMs() - startMs).toBeLessThan(delayMs);
  });
});

test('wal-fsync-delay: a group goes at once when half as much waits as may', async () => {
  await inWorld(async ({ clock }, wal) => {
    const startMs = clock.monotonicMs();
    const first = wal.append(record(1));
    await clock.sleep(10);
    await Promise.all([first, wal.append(record(2, 3_000))]);
    expect(clock.monotonicMs() - startMs).toBeLessThan(delayMs);
    await wal.close();
  });
});
