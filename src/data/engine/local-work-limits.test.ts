import { expect, test } from 'vitest';
import { engineOptions } from '../../../test/support/engine-options.ts';
import { batchOf } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Clock } from '../../env/clock.ts';
import type { EngineFactory } from '../../env/engine-host.ts';
import type { CompactionLimits } from '../../storage/store/compaction/compaction-slots.ts';
import type { StorageEngineOptions } from './engine-tasks.ts';
import { LocalShards } from './local-shards.ts';
import { StorageEngine } from './storage-engine.ts';

/** Runs `body` on a node of two workers. */
async function onNode<T>(
  options: Partial<StorageEngineOptions>,
  body: (shards: LocalShards, clock: Clock) => Promise<T>,
): Promise<T> {
  const world = new World(1);
  const engineFactory: EngineFactory = (settings, ports) => StorageEngine.create(settings, ports);
  const { env } = world.addNode('a', { engineFactory });
  const work = async (): Promise<T> => {
    const shards = await LocalShards.start(env.engines, 2, { ...engineOptions, ...options });
    const answer = await body(shards, env.clock);
    await shards.close();
    return answer;
  };
  return world.complete(work(), 10_000_000);
}

const shardIds = [6, 7, 8, 9];

async function write(shards: LocalShards, lines: string): Promise<void> {
  for (const shardId of shardIds) {
    const batch = { shardId, database: 'db', retentionPolicy: 'autogen', payload: batchOf(lines) };
    expect(await shards.write(batch)).toMatchObject({ kind: 'written' });
  }
}

const sumOf = async (shards: LocalShards, field: string): Promise<number> => {
  const numbers = await shards.facts.numbers();
  return numbers.reduce((sum, { engine }) => sum + (engine[field] ?? 0), 0);
};

/** The most that were seen at work at once in four shards that each get eight files. */
function mostAtOnce(limits: CompactionLimits): Promise<number> {
  const compaction = { fullColdMs: 3_600_000, fileBytesMax: 1 << 30, bytesPerSecond: 0, burstBytes: 0, limits }; // prettier-ignore
  return onNode({ compaction, snapshotBytes: 1, snapshotColdMs: 1 }, async (shards, clock) => {
    for (let i = 0; i < 8; i++) {
      if (i > 0) await clock.sleep(2_000);
      await write(shards, `m v=${i} ${i}`);
    }
    let most = 0;
    while ((await sumOf(shards, 'tsmLevel1Compactions')) < shardIds.length) {
      most = Math.max(most, await sumOf(shards, 'tsmLevel1CompactionsActive'));
      await clock.sleep(1);
    }
    return most;
  });
}

test('max-concurrent-compactions: workers take turns, and each comes to the end of its own', async () => {
  expect(await mostAtOnce({ concurrentMax: 2, optimizedMax: 1 })).toBe(2);
  expect(await mostAtOnce({ concurrentMax: 1, optimizedMax: 1 })).toBe(1);
});

/** Milliseconds that a DROP takes in four shards of two workers. */
function dropMs(deletesMax: number | undefined): Promise<number> {
  return onNode({ deletesMax }, async (shards, clock) => {
    await write(shards, Array.from({ length: 50 }, (_, i) => `m,h=${i} v=1 1`).join('\n'));
    const startMs = clock.monotonicMs();
    const measurements = [{ name: 'm', predicate: undefined }];
    const range = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };
    await shards.deletePoints({ shardIds, measurements, ...range });
    const takenMs = clock.monotonicMs() - startMs;
    expect(await sumOf(shards, 'cacheCompactions')).toBe(shardIds.length);
    return takenMs;
  });
}

test('max-concurrent-deletes: a DELETE goes through as many shards of a worker at once, one when nothing is said', async () => {
  const oneMs = await dropMs(1);
  expect(await dropMs(undefined)).toBe(oneMs);
  expect(await dropMs(2)).toBeLessThan(oneMs);
});
