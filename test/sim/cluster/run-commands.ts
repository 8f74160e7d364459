import { below, fraction } from '../../../src/env/random.ts';
import { MetaClient } from '../../../src/meta/client/meta-client.ts';
import { findDatabase } from '../../../src/meta/model/catalog.ts';
import { MetaChecker } from './check-metas.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';

const clientCount = 4;

/**
 * Commands on a network that doubles messages and holds them back for seconds, while leaders die: each applies once. A
 * database that was dropped stays dropped, however late a copy of the command that made it comes.
 */
export async function runCommands(
  seed: number,
  options: { readonly plant?: Plant | undefined } = {},
): Promise<number> {
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
  const endMs = world.nowMs + 40_000;
  for (let i = 0; i < clientCount; i++) {
    world.spawn(machine, async ({ clock }) => {
      for (let round = 0; world.nowMs < endMs; round++) {
        const name = `x${i}_${round}`;
        if (await makeAndDrop(client, name)) dropped.add(name);
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
  return dropped.size;
}

/** False when nobody knows what became of it: the name is left alone then. */
async function makeAndDrop(client: MetaClient, name: string): Promise<boolean> {
  try {
    await client.execute({ kind: 'create-database', name });
    await client.execute({ kind: 'drop-database', name });
    return true;
  } catch {
    return false;
  }
}
