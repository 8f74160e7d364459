/**
 * Shards that go from node to node while clients write and nodes end, with a checker: whatever becomes of the copies, every
 * owner has what the load says (point-load.ts), deletes among it, and no node keeps a shard that is not its own.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { discardMethod } from '../../../src/meta/client/data-methods.ts';
import type { ShardInfo } from '../../../src/meta/model/catalog.ts';
import { copiesOf } from '../../../src/meta/model/shard-copies.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import { beginLoad, strikeFor, type LoadRunOptions } from './load-run.ts';
import type { ClusterWorld } from './cluster-world.ts';
import type { PointLoad } from './point-load.ts';
import { shardRows } from './read-rows.ts';

export interface CopiesResult {
  readonly acknowledged: number;
  readonly deletes: number;
  /** Copies that made an owner, and those that failed. */
  readonly copied: number;
  readonly failed: number;
}

export class Copying {
  readonly cluster: ClusterWorld;
  readonly load: PointLoad;
  copied = 0;
  failed = 0;

  constructor(load: PointLoad) {
    this.cluster = load.cluster;
    this.load = load;
  }

  /** Copies a shard to a node that does not own it, and then takes it from one that did. */
  async move(random: Random): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    while (!this.load.isOver) {
      await clock.sleep(below(random, 1_500));
      const leader = [...this.cluster.metas].find(([, node]) => node.isLeader);
      if (leader === undefined) continue;
      const [name, node] = leader;
      const shards = [...node.catalog.databases.shards()].filter(({ database }) => database === 'k'); // prettier-ignore
      const { shard } = shards[below(random, shards.length)] ?? {};
      const others = node.catalog.dataNodes.filter(
        ({ id }) => shard?.owners.includes(id) === false,
      );
      const [destination, sourceId] = [others[below(random, others.length)], shard?.owners[below(random, shard.owners.length)]]; // prettier-ignore
      if (shard === undefined || destination === undefined || sourceId === undefined) continue;
      const request = { shardId: shard.id, sourceId, destinationId: destination.id };
      const copying = this.load.orLate(this.cluster.copies.get(name)?.copy(request));
      if (fraction(random) < 0.2) {
        await clock.sleep(below(random, 300));
        await this.load.orLate(this.cluster.copies.get(name)?.kill(request));
      }
      const isCopied = await copying;
      if (!isCopied) this.failed++;
      else {
        this.copied++;
        await this.remove(name, shard.id, sourceId);
      }
    }
  }

  /** As `influxd-ctl remove-shard`. */
  async remove(name: string, shardId: number, nodeId: number): Promise<void> {
    const { env } = this.cluster.machine(name);
    const node = this.cluster.metas.get(name);
    if (node === undefined) return;
    const command = { kind: 'remove-shard-owner', shardId, nodeId, nowNs: env.clock.wallNs() } as const; // prettier-ignore
    if (!(await this.load.orLate(node.execute(command)))) return;
    const address = node.catalog.dataNodes.find(({ id }) => id === nodeId)?.tcpAddress ?? '';
    const rpc = new RpcClient(env.transport, node.membership);
    const request = { shardId, catalogIndex: node.catalog.index };
    await this.load.orLate(rpc.call(address, discardMethod, request, { deadlineMs: 5_000 }));
  }

  /** `mayBeLeft`: nodes may have shards that are not their own. */
  async check(mayBeLeft: boolean): Promise<void> {
    const { cluster } = this;
    const [meta] = [...cluster.metas.values()].filter(({ isLeader }) => isLeader);
    if (meta === undefined) throw new Error('nobody leads');
    if (copiesOf(meta.catalog).length > 0) throw new Error('a copy does not end');
    for (const { shard, database } of meta.catalog.databases.shards())
      if (database === 'k') await this.checkShard(shard);
    for (const [name, node] of cluster.data) {
      const held = await cluster.world.complete(node.local.facts.holdings());
      for (const { shardId, database } of held) {
        const owners = meta.catalog.databases.shard(shardId)?.shard.owners ?? [];
        if (database === 'k' && !owners.includes(node.meta.nodeId) && !mayBeLeft)
          throw new Error(`${name} keeps shard ${shardId}, which is not its own`);
      }
    }
  }

  /** Each owner has what it has to have. */
  async checkShard({ id, owners }: ShardInfo): Promise<void> {
    const { data, world } = this.cluster;
    for (const [name, { local, meta }] of data)
      if (owners.includes(meta.nodeId)) {
        const rows = await world.complete(shardRows(local, id));
        this.load.check(name, rows, { shardId: id, isKept: () => true });
      }
  }
}

export async function runCopies(seed: number, options: LoadRunOptions = {}): Promise<CopiesResult> {
  const load = await beginLoad(seed, { weekCount: 2, hasDeletes: true, ...options });
  const { cluster } = load;
  const copying = new Copying(load);
  const random = cluster.world.random('copies/move');
  for (let i = 0; i < 2; i++)
    cluster.world.spawn(cluster.machine('client'), () => copying.move(random.fork(`move/${i}`)));
  await strikeFor(load, random, options);
  await cluster.world.run(cluster.world.nowMs + 75_000);
  // What remove-shard could not tell a node that was down stays there until it is told again.
  await copying.check(cluster.world.faultCounts.crash > 0);
  const { copied, failed } = copying;
  return { acknowledged: load.acknowledged.length, deletes: load.deleteCount, copied, failed };
}
