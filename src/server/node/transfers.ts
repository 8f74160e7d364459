import { bringShard } from '../../data/copy/bring-shard.ts';
import { Copies } from '../../data/copy/copies.ts';
import { GiveWay } from '../../data/copy/give-way.ts';
import { Snapshots } from '../../data/copy/snapshots.ts';
import { Stagings } from '../../data/copy/stagings.ts';
import { servedTransfers } from '../../data/copy/served-transfers.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import type { NamedShard } from '../../data/engine/shard-access.ts';
import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import type { Env } from '../../env/env.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { IncomingDeletes } from '../../data/shards/incoming-deletes.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { Throttle } from '../../storage/engine/compaction/throttle.ts';
import type { ServedMethod } from '../../rpc/served-method.ts';

type DataConfig = Config<typeof dataKeys>;

/** Files of this node's shards on their way to other nodes, and of theirs to this one. */
export interface Transfers {
  readonly methods: readonly ServedMethod[];
  /** What another owner has of a shard that this node owns and lacks; the bytes that have come (bring-shard.ts). */
  bring(shard: NamedShard, sourceId: number, signal: AbortSignal): Promise<number>;
  /** Of a shard that is not to come after all; resolves once nothing of its copy is under way. */
  cancel(shardId: number): Promise<void>;
  close(): Promise<void>;
}

export function openTransfers(
  env: Env,
  config: DataConfig,
  parts: { readonly meta: MetaClient; readonly local: LocalShards; readonly rpc: RpcClient; readonly deletes: IncomingDeletes }, // prettier-ignore
): Transfers {
  const { clock, disk } = env;
  const { meta, local, rpc, deletes } = parts;
  const log = env.log.child('transfer');
  const ports = { clock, disk, log, local };
  const bytesPerSecond = config.get('cluster', 'shard-copy-throughput');
  const throttle = new Throttle({ clock }, { bytesPerSecond, burstBytes: 0 });
  const way = new GiveWay({ clock, writeCount: () => local.writeCount });
  // A rate that was asked for is kept to.
  const giveWay = (): Promise<void> => (bytesPerSecond === 0 ? way.rest() : Promise.resolve());
  const snapshots = new Snapshots({ ...ports, giveWay });
  const stagings = new Stagings(ports, { dataFolder: config.get('data', 'dir') });
  const take = async (bytes: number, signal: AbortSignal): Promise<void> => {
    await throttle.take(bytes, signal);
    await giveWay();
  };
  const jobs = { clock, log, meta, rpc, stagings, deletes, take };
  const copies = new Copies(jobs, {
    concurrentMax: Math.max(1, config.get('cluster', 'max-concurrent-shard-copies')),
  });
  return {
    methods: servedTransfers({ meta, snapshots, stagings, copies }),
    bring: (shard, sourceId, signal) => bringShard({ ...jobs, local }, shard, { sourceId, signal }),
    cancel: (shardId) => copies.cancel(shardId),
    close: async () => {
      await copies.close();
      await snapshots.close();
      await stagings.close();
    },
  };
}
