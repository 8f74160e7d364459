/** The segments of a worker's log that may go, as its shards say it. */
import type { Disk } from '../../../env/disk.ts';
import type { WalWriter } from '../../wal/wal-writer.ts';
import type { DoomedShards } from '../deletes/doomed-shards.ts';
import type { ShardOpener } from '../opening/shard-opener.ts';
import type { ShardRoster } from '../shards/shard-roster.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import type { StoreOptions } from '../store-options.ts';
import { SegmentReleases, type ReleasePorts } from './release-segments.ts';

export interface StoreReleasesPorts {
  readonly disk: Disk;
  readonly trace: ReleasePorts['trace'];
  readonly options: Pick<
    StoreOptions,
    'dataFolder' | 'isHome' | 'logKeptBytes' | 'keepsRunsBefore'
  >;
  /** The last run before this one. */
  readonly run: number;
  readonly roster: ShardRoster | undefined;
  readonly shards: { get(shardId: number): OpenShard | undefined };
  readonly damaged: { has(shardId: number): boolean };
  readonly doomed: Pick<DoomedShards, 'has'>;
  readonly opener: Pick<ShardOpener, 'isPending'>;
}

/** Of a shard that cannot be read, or is not open, or whose folder is still there, no record goes. */
export function storeReleases(wal: WalWriter, ports: StoreReleasesPorts): SegmentReleases {
  const { disk, trace, options, run, roster, shards, damaged, doomed, opener } = ports;
  const { dataFolder, isHome, logKeptBytes: keptBytes = 0, keepsRunsBefore } = options;
  return new SegmentReleases(wal, {
    ...{ disk, trace, dataFolder, isHome, keptBytes },
    keptRun: keepsRunsBefore === true ? run : undefined,
    isListed: (shardId) => roster?.has(shardId) === true,
    isFlushed: (shardId, sequence) => {
      if (damaged.has(shardId) || doomed.has(shardId) || opener.isPending(shardId)) return false;
      const open = shards.get(shardId);
      return open === undefined || sequence <= open.flushedSequence;
    },
  });
}
