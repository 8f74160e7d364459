/** Runs of a cluster under a load of points (point-load.ts): how one begins, and what strikes it meanwhile. */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { PointLoad } from './point-load.ts';
import { calm } from './strike.ts';
import { weekNs } from './workload.ts';

export interface LoadRunOptions {
  readonly plant?: Plant | undefined;
  readonly faultsMs?: number;
  readonly hasFaults?: boolean;
  readonly onTrace?: (line: string) => void;
}

export interface LoadOptions {
  readonly weekCount: number;
  readonly replication?: number;
  /** Of writes; all owners have to say so when left out. */
  readonly levels?: readonly ConsistencyLevel[];
  readonly hasDeletes?: boolean;
  readonly antiEntropy?: string;
  readonly restoreAfterMs?: number;
}

const clientCount = 3;
export const loadDatabase = 'k';

/** A cluster with points of so many weeks, each on some of its three nodes, that clients write to. */
export async function beginLoad(
  seed: number,
  options: LoadRunOptions & LoadOptions,
): Promise<PointLoad> {
  const { plant, onTrace, weekCount, levels = ['all'], hasDeletes = false } = options;
  const { antiEntropy, restoreAfterMs } = options;
  const cluster = new ClusterWorld(seed, {
    plant,
    antiEntropy,
    restoreAfterMs,
    ...(onTrace !== undefined && { onTrace }),
  });
  const { world } = cluster;
  await cluster.form();
  const random = world.random('copies');
  const [leader] = [...cluster.metas.values()].filter(({ isLeader }) => isLeader);
  const policy = { replication: options.replication ?? 2, shardDurationNs: weekNs };
  if (leader === undefined) throw new Error('nobody leads');
  await world.complete(leader.execute({ kind: 'create-database', name: loadDatabase, policy }));
  await world.run(world.nowMs + 500);
  const load = new PointLoad(cluster, { database: loadDatabase, weekCount, levels });
  const machine = cluster.machine('client');
  for (let i = 0; i < clientCount; i++)
    world.spawn(machine, () => load.write(random.fork(`write/${i}`), i));
  if (hasDeletes) world.spawn(machine, () => load.delete(random.fork('delete'), clientCount));
  await world.run(world.nowMs + 1_000);
  return load;
}

/** Ends and cuts off nodes for a while, then lets all be well and stops the clients; `look` sees it now and then. */
export async function strikeFor(
  load: PointLoad,
  random: Random,
  { faultsMs = 20_000, hasFaults = true, look }: LoadRunOptions & { readonly look?: () => void },
): Promise<void> {
  const { cluster } = load;
  const { world } = cluster;
  const endMs = world.nowMs + faultsMs;
  while (world.nowMs < endMs) {
    if (hasFaults) strikeNode(cluster, random);
    await world.run(world.nowMs + 500 + below(random, 2_500));
    look?.();
  }
  calm(cluster);
  await world.run(world.nowMs + 8_000);
  load.isOver = true;
}

/** Ends a node at once or at a coming call of its disk, or parts one from the others for a while. */
function strikeNode(cluster: ClusterWorld, random: Random): void {
  const { world, names } = cluster;
  const name = names[below(random, names.length)] ?? 'd1';
  const downMs = 200 + below(random, 2_500);
  const dice = fraction(random);
  if (dice < 0.35) cluster.crash(name, downMs);
  else if (dice < 0.7)
    cluster.machine(name).drive.afterCalls(1 + below(random, 60), () => {
      cluster.crash(name, downMs);
    });
  else {
    world.network.partition([name], names.filter((one) => one !== name), { oneWay: fraction(random) < 0.4 }); // prettier-ignore
    world.schedule(500 + below(random, 3_000), () => {
      world.network.heal();
    });
  }
}
