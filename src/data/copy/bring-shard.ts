/**
 * Brings an owner that has nothing of a shard what another owner has, as a copy is brought: from the moment at which the other one is
 * known to have points until all of them are here nobody reads the shard here, also over a restart, and readers go to other
 * owners. Clients write to it all the time: what they write stays above what comes.
 */
import { ownsShard } from '../../meta/model/shard-fate.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { NamedShard } from '../engine/shard-access.ts';
import { CopyJob, type CopyJobPorts } from './copy-job.ts';

export interface BringPorts extends CopyJobPorts {
  readonly local: Pick<LocalShards, 'expectCopy'>;
}

/**
 * Resolves with the bytes that have come: 0 where the source has nothing, or this node has got points meanwhile, which are not read
 * then as if they were all. Throws `cancelled` by the signal, and what kept failing.
 */
export async function bringShard(
  ports: BringPorts,
  shard: NamedShard,
  { sourceId, signal }: { readonly sourceId: number; readonly signal: AbortSignal },
): Promise<number> {
  const { local, meta } = ports;
  const { shardId, database, retentionPolicy } = shard;
  signal.throwIfAborted();
  const beganIndex = meta.catalog.index;
  const job = new CopyJob(ports, {
    ...{ shardId, sourceId, beganIndex },
    isWanted: () => ownsShard(meta.catalog, shardId, meta.nodeId),
    begins: () => local.expectCopy({ shardId, database, retentionPolicy, copyIndex: beganIndex }),
  });
  const cancel = (): void => {
    job.cancel();
  };
  signal.addEventListener('abort', cancel);
  try {
    await job.run();
  } finally {
    signal.removeEventListener('abort', cancel);
  }
  return job.doneBytes;
}
