import { below } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask, shardRows } from './read-rows.ts';
import { latestCatalog } from './window-load.ts';

const names = ['d1', 'd2', 'd3'];
const roundCount = 8;
/** Of points that each round writes to a shard of their own: who coordinates them owns one and not the other. */
const daysInRound = 3;
const database = 'dead';
/** What a node that is back, or the owners of what it coordinated, take to bring it to the others. */
const settleMs = 20_000;

export interface DeadCoordinatorsResult {
  readonly acknowledged: number;
  /** Copies that were found at owners which the coordinator could not reach before it died. */
  readonly cutOff: number;
}

/**
 * Clients write at level one through a node that does not reach one of the others, and that loses its power once it has acknowledged; in
 * some rounds all of them do. Each owner has every point that was acknowledged soon after, with nobody asking for repairs. Rejects
 * where one lacks some.
 */
export async function runDeadCoordinators(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<DeadCoordinatorsResult> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('dead-coordinators');
  await cluster.form();
  const nodeOf = (name: string): DataNode => {
    const node = cluster.data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  };
  await world.complete(ask(nodeOf('d1'), `CREATE DATABASE ${database} WITH REPLICATION 2`, ''));
  await world.run(world.nowMs + 1_000);
  // Shards are there before nodes are cut off from the metas.
  await world.complete(write(nodeOf('d1'), [0, 1, 2], 0));
  let acknowledged = daysInRound;
  let cutOff = 0;
  for (let round = 1; round <= roundCount; round++) {
    const [coordinator = '', victim = ''] = shuffled(random);
    world.network.partition([coordinator], [victim]);
    for (let day = 0; day < daysInRound; day++) {
      await world.complete(write(nodeOf(coordinator), [day], round));
      acknowledged++;
    }
    await world.run(world.nowMs + below(random, 30));
    const dying = below(random, 3) === 0 ? names : [coordinator];
    for (const name of dying) cluster.crash(name, 500 + below(random, 4_000));
    world.network.heal();
    await world.run(world.nowMs + settleMs);
    cutOff += await checkOwners(cluster, { round, victim });
  }
  return { acknowledged, cutOff };
}

/** Throws where an owner lacks a point. Gives how many shards the one owns that was cut off. */
async function checkOwners(
  cluster: ClusterWorld,
  { round, victim }: { readonly round: number; readonly victim: string },
): Promise<number> {
  const { world, data } = cluster;
  let count = 0;
  const shards = [...latestCatalog(cluster).databases.shards()].filter((one) => one.database === database); // prettier-ignore
  for (const { shard } of shards) {
    const owners = [...data].filter(([, { meta }]) => shard.owners.includes(meta.nodeId));
    const sizes: number[] = [];
    for (const [, { local }] of owners)
      sizes.push((await world.complete(shardRows(local, shard.id))).size);
    // Series of a group go to one of its shards.
    if (sizes.every((size) => size === 0)) continue;
    for (const [i, [name]] of owners.entries()) {
      if (sizes[i] !== round + 1)
        throw new Error(`in round ${round} ${name} has ${sizes[i]} of ${round + 1} points of shard ${shard.id}`); // prettier-ignore
      if (name === victim) count++;
    }
  }
  return count;
}

const dayNs = 86_400_000_000_000n;

function write(node: DataNode, days: readonly number[], round: number): Promise<void> {
  const lines = days.map(
    (day) => `m,day=${day} v=${round}i ${BigInt(day * 10) * dayNs + BigInt(round)}`,
  );
  const body = new TextEncoder().encode(lines.join('\n'));
  return node.writer.write({ database, retentionPolicy: '', body, stepNs: 1n, level: 'one', timeoutMs: 60_000 }); // prettier-ignore
}

function shuffled(random: Parameters<typeof below>[0]): readonly string[] {
  const left = [...names];
  return names.map(() => left.splice(below(random, left.length), 1)[0] ?? '');
}
