import type { Clock } from '../../../src/env/clock.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { MetaClient } from '../../../src/meta/client/meta-client.ts';
import { findDatabase } from '../../../src/meta/model/catalog.ts';
import { MetaChecker } from './check-metas.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';

const clientCount = 4;
const readWaitMs = 2_000;
/** Whoever asks a node that ends hears nothing. */
const patienceMs = 4_000;

export interface CommandsResult {
  readonly droppedCount: number;
  /** Reads of followers that had to show what was acknowledged before, and did. */
  readonly readCount: number;
}

/**
 * Commands on a network that doubles messages and holds them back for seconds, while leaders die: each applies once. A
 * database that was dropped stays dropped, however late a copy of the command that made it comes. And a meta node that says that
 * its catalog is as new as what was acknowledged has it, also one that was just started.
 */
export async function runCommands(
  seed: number,
  options: { readonly plant?: Plant | undefined } = {},
): Promise<CommandsResult> {
  const cluster = new ClusterWorld(seed, options);
  const { world } = cluster;
  await cluster.formMetas();
  await world.run(world.nowMs + 2_000);
  const random = world.random('commands');
  const machine = cluster.machine('client');
  const client = await world.complete(MetaClient.open(machine.env, 'client'));
  const clusterId = cluster.metas.get('m1')?.clusterId ?? 0n;
  const metaAddresses = ['m1', 'm2', 'm3'].map((name) => `${name}:8089`);
  await world.complete(client.join({ nodeId: 99, clusterId, metaAddresses }));
  world.network.setRates({ duplicate: 0.5, reorder: 0.1, reorderMs: 1_000 });
  const dropped = new Set<string>();
  const reads: Reads = { cluster, random: world.random('reads'), count: 0 };
  const endMs = world.nowMs + 40_000;
  for (let i = 0; i < clientCount; i++) {
    world.spawn(machine, async ({ clock }) => {
      for (let round = 0; world.nowMs < endMs; round++) {
        const name = `x${i}_${round}`;
        if (await makeAndDrop(client, name, { reads, clock })) dropped.add(name);
        await clock.sleep(below(random, 100));
      }
    });
  }
  const checker = new MetaChecker();
  while (world.nowMs < endMs + 20_000) {
    await world.run(world.nowMs + 50);
    checker.check(cluster.metas);
    if (world.nowMs < endMs && fraction(random) < 0.004)
      cluster.crash(`m${1 + below(random, 3)}`, 200 + below(random, 2_000));
  }
  for (const [name, { catalog }] of cluster.metas)
    for (const database of dropped)
      if (findDatabase(catalog, database) !== undefined)
        throw new Error(`${name} has ${database}, which was dropped`);
  return { droppedCount: dropped.size, readCount: reads.count };
}

interface Reads {
  readonly cluster: ClusterWorld;
  readonly random: Random;
  /** Of followers. */
  count: number;
}

interface Reading {
  readonly reads: Reads;
  readonly clock: Clock;
}

/** Throws where a node, whichever it is, does not know what was acknowledged before it was asked. */
async function checkRead(
  database: string,
  isThere: boolean,
  { reads, clock }: Reading,
): Promise<void> {
  const { cluster, random } = reads;
  const metas = [...cluster.metas];
  const [name, node] = metas[below(random, metas.length)] ?? [];
  if (node === undefined) return;
  const isFollower = !node.isLeader;
  const late = clock.sleep(patienceMs).then(() => false);
  if (!(await Promise.race([node.settleRead(readWaitMs), late]))) return;
  if ((findDatabase(node.catalog, database) !== undefined) !== isThere)
    cluster.world.fail(new Error(`${name} does not know yet that ${database} was ${isThere ? 'made' : 'dropped'}, and says that it does`)); // prettier-ignore
  if (isFollower) reads.count++;
}

/** False when nobody knows what became of it: the name is left alone then. */
async function makeAndDrop(client: MetaClient, name: string, reading: Reading): Promise<boolean> {
  try {
    await client.execute({ kind: 'create-database', name });
    await checkRead(name, true, reading);
    await client.execute({ kind: 'drop-database', name });
    await checkRead(name, false, reading);
    return true;
  } catch {
    return false;
  }
}
