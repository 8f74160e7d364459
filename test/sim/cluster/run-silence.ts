/**
 * A data node that goes silent for good while clients write, and one that comes back in time: what the first one owned is brought to
 * others after `[meta] restore-silent-after`, what the second one owns stays where it is.
 */
import { beginLoad, loadDatabase } from './load-run.ts';
import type { PointLoad } from './point-load.ts';
import { Copying } from './run-copies.ts';

export interface SilenceResult {
  readonly acknowledged: number;
  /** Shards that the silent node owned, and owns. */
  readonly before: number;
  readonly after: number;
}

const restoreAfterMs = 4_000;
const forEverMs = 10_000_000;
const settleMs = 20_000;

export async function runSilence(
  seed: number,
  { isShort }: { readonly isShort: boolean },
): Promise<SilenceResult> {
  const load = await beginLoad(seed, { weekCount: 2, hasDeletes: true, restoreAfterMs });
  const { cluster } = load;
  const { world } = cluster;
  const random = world.random('silence');
  const name = `d${1 + (random.u32() % 3)}`;
  const silentId = cluster.data.get(name)?.meta.nodeId ?? 0;
  await world.run(world.nowMs + 500);
  const before = ownedBy(load, silentId);
  cluster.crash(name, isShort ? restoreAfterMs / 2 : forEverMs);
  // Whoever leads next has not heard of it for no time yet.
  const [leader] = [...cluster.metas].find(([, { isLeader }]) => isLeader) ?? [];
  await world.run(world.nowMs + restoreAfterMs / 3);
  if (!isShort && leader !== undefined) cluster.crash(leader, 500);
  await world.run(world.nowMs + 2 * restoreAfterMs);
  load.isOver = true;
  await world.run(world.nowMs + settleMs);
  await new Copying(load).check(false);
  return { acknowledged: load.acknowledged.length, before, after: ownedBy(load, silentId) };
}

/** How many shards a node owns; throws where one has an owner less than its policy wants. */
function ownedBy({ cluster }: PointLoad, nodeId: number): number {
  const leader = [...cluster.metas.values()].find(({ isLeader }) => isLeader);
  const shards = [...(leader?.catalog.databases.shards() ?? [])].filter(({ database }) => database === loadDatabase); // prettier-ignore
  for (const { shard } of shards)
    if (shard.owners.length < 2) throw new Error(`shard ${shard.id} has owners ${shard.owners.join()} only`); // prettier-ignore
  return shards.filter(({ shard }) => shard.owners.includes(nodeId)).length;
}
