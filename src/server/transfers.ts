import { Snapshots } from '../data/copy/snapshots.ts';
import { Stagings } from '../data/copy/stagings.ts';
import { servedTransfers } from '../data/copy/served-transfers.ts';
import type { LocalShards } from '../data/engine/local-shards.ts';
import type { Config } from '../config/config.ts';
import type { dataKeys } from '../config/data-keys.ts';
import type { Env } from '../env/env.ts';
import type { MetaClient } from '../meta/client/meta-client.ts';
import type { ServedMethod } from '../rpc/served-method.ts';

type DataConfig = Config<typeof dataKeys>;

/** Files of this node's shards on their way to other nodes, and of theirs to this one. */
export interface Transfers {
  readonly methods: readonly ServedMethod[];
  close(): Promise<void>;
}

export function openTransfers(
  env: Env,
  config: DataConfig,
  { meta, local }: { readonly meta: MetaClient; readonly local: LocalShards },
): Transfers {
  const { clock, disk } = env;
  const ports = { clock, disk, log: env.log.child('transfer'), local };
  const snapshots = new Snapshots(ports);
  const stagings = new Stagings(ports, { dataFolder: config.get('data', 'dir') });
  return {
    methods: servedTransfers({ meta, snapshots, stagings }),
    close: async () => {
      await snapshots.close();
      await stagings.close();
    },
  };
}
