import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import { GivenPledges } from '../../data/shards/pledges/given-pledges.ts';
import { PledgeHolders } from '../../data/shards/pledges/pledge-holders.ts';
import { HeldPledges } from '../../data/shards/pledges/held-pledges.ts';
import { pledgeMsMax } from '../../data/shards/pledges/pledge.ts';
import type { Env } from '../../env/env.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';

/** What nodes say to each other of their lists (decision 103). */
export interface NodePledges {
  readonly given: GivenPledges;
  readonly held: HeldPledges;
}

export async function openPledges(
  { clock, disk, log: nodeLog }: Env,
  config: Config<typeof dataKeys>,
  { meta, rpc }: { readonly meta: MetaClient; readonly rpc: RpcClient },
): Promise<NodePledges> {
  const log = nodeLog.child('pledges');
  const durationMs = Math.min(pledgeMsMax, config.get('cluster', 'list-pledge-duration'));
  const onDisk = await PledgeHolders.open({ clock, disk, log }, config.get('meta', 'dir'));
  const given = new GivenPledges({ clock, log, meta, rpc, onDisk }, { durationMs });
  // Shards may have other owners by now: who holds a pledge is to look.
  meta.watch(({ before, after }) => {
    if (before.databases !== after.databases) given.end();
  });
  return { given, held: new HeldPledges({ clock, log, meta }) };
}
