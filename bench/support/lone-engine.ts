/** One engine in this thread, without HTTP and without messages: what a worker is made of. */
import { join } from 'node:path';
import { MiB } from '../../src/base/units.ts';
import { LinesPacker } from '../../src/data/engine/lines/packed-lines.ts';
import type { StorageEngineOptions } from '../../src/data/engine/engine-tasks.ts';
import { StorageEngine } from '../../src/data/engine/storage-engine.ts';
import type { Engine, EngineContext } from '../../src/env/engine-host.ts';
import { createNodeEnv } from '../../src/env/node/node-env.ts';
import type { RpcTransport } from '../../src/env/transport.ts';
import { makeStamp } from '../../src/models/stamp.ts';
import type { ShardFacts } from '../../src/storage/store/shards/shard-facts.ts';

export const place = { database: 'd', retentionPolicy: 'autogen' };
export const context: EngineContext = { cancelled: () => false };

type FlushOptions = Pick<StorageEngineOptions, 'snapshotBytes' | 'snapshotColdMs'>;

export function openEngine(folder: string, flushes: FlushOptions): Promise<Engine> {
  const { clock, random, disk, log } = createNodeEnv({
    log: { format: 'logfmt', level: 'error' },
    engineWorkerUrl: new URL('../../src/server/node/engine-worker.ts', import.meta.url),
    createTransport: () => ({}) as RpcTransport,
  });
  const options: StorageEngineOptions = {
    dataFolder: join(folder, 'data'),
    walFolder: join(folder, 'wal'),
    segmentBytesMax: 10 * MiB,
    queueBytesMax: 256 * MiB,
    arenaBytesMax: 512 * MiB,
    ...flushes,
    cacheBytesMax: 2_048 * MiB,
    blockCacheBytesMax: 64 * MiB,
    memtablesBytesMax: 2_048 * MiB,
    compaction: { fullColdMs: 36_000_000, fileBytesMax: 2_048 * MiB, bytesPerSecond: 0, burstBytes: 0 }, // prettier-ignore
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return StorageEngine.create({ index: 0, count: 1, options }, { clock, random, disk, log, turn });
}

/** Writes bodies of lines to shard 1, which takes all times until `endNs`. */
export class LinesWriter {
  readonly #engine: Engine;
  readonly #packer = new LinesPacker();
  readonly #groups: readonly [{ startNs: bigint; endNs: bigint; shardIds: readonly number[] }];
  #count = 0n;

  constructor(engine: Engine, endNs: bigint) {
    this.#engine = engine;
    this.#groups = [{ startNs: 0n, endNs, shardIds: [1] }];
  }

  async write(body: Uint8Array, nowNs: bigint): Promise<void> {
    const own = { ...place, stamp: makeStamp(nowNs + this.#count++, 1), shardIds: [1] };
    const times = { stepNs: 1n, defaultTimeNs: nowNs, bounds: {} };
    const task = { body, ...times, groups: this.#groups, own, clusterId: 1n };
    await this.#engine.call('lines', this.#packer.pack(task), context);
  }
}

/** Until nothing waits for a flush or a compaction. */
export async function settled(engine: Engine): Promise<void> {
  for (;;) {
    await new Promise((wake) => setTimeout(wake, 300));
    const { body } = await engine.call('states', undefined, context);
    if ((body as readonly ShardFacts[]).every(({ isHot }) => !isHot)) return;
  }
}
