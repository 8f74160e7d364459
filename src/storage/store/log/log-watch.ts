import type { StorePorts } from '../store-options.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import { StallWatch } from '../stall-watch.ts';

/** Watches groups of records on their way to the disk; one that stalls is counted for each of its shards. */
export function watchLog(
  ports: Pick<StorePorts, 'clock' | 'log'>,
  shards: ReadonlyMap<number, OpenShard>,
): StallWatch<ReadonlySet<number>> {
  return new StallWatch<ReadonlySet<number>>(ports, {
    kind: 'log',
    fields: (shardIds) => ({ shards: [...shardIds].join() }),
    onStall: (shardIds) => {
      for (const id of shardIds) shards.get(id)?.work.countStall('log');
    },
  });
}
