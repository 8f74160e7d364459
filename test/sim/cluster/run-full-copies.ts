/**
 * Copies of shards to a node whose disk is full, with any room left that a copy may need, while clients write and delete. What is
 * promised: a copy that fails leaves no owner and no files; the node goes on, and takes the same shard once there is room; what it
 * owns then is what the load says (point-load.ts), deletes during the copy among it.
 */
import { below, type Random } from '../../../src/env/random.ts';
import type { MetaNode } from '../../../src/meta/server/meta-node.ts';
import type { ShardInfo } from '../../../src/meta/model/catalog.ts';
import { beginLoad, loadDatabase, type LoadRunOptions } from './load-run.ts';
import { Copying } from './run-copies.ts';
import { drained } from './run-seed.ts';

export interface FullCopiesResult {
  readonly acknowledged: number;
  readonly deletes: number;
  readonly copied: number;
  /** Copies that found no room. */
  readonly refused: number;
}

/** Owns nothing, as it joins when all shards are there. */
const destination = 'd5';
const attempts = 8;
const folder = `data/${loadDatabase}/autogen`;
const settleMs = 20_000;
/** So many times as slow a disk may be, times the files that it is given. */
const fileCallsMax = 6_000;

class Filling {
  readonly #copying: Copying;
  readonly #random: Random;
  copied = 0;
  refused = 0;

  constructor(copying: Copying, random: Random) {
    this.#copying = copying;
    this.#random = random;
  }

  get #leader(): readonly [string, MetaNode] {
    const { metas } = this.#copying.cluster;
    const leader = [...metas].find(([, node]) => node.isLeader);
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  get #shards(): readonly ShardInfo[] {
    const { databases } = this.#leader[1].catalog;
    return [...databases.shards()].flatMap(({ database, shard }) => (database === loadDatabase ? [shard] : [])); // prettier-ignore
  }

  /** Copies a shard to the destination, which has room for it or for some bytes only, and takes it away again where it came. */
  async attempt(hasRoom: boolean): Promise<void> {
    const { cluster, load } = this.#copying;
    const { world } = cluster;
    const { drive } = cluster.machine(destination);
    const [leader, { catalog }] = this.#leader;
    const destinationId = catalog.dataNodes.find(({ tcpAddress }) => tcpAddress === `${destination}:8088`)?.id ?? 0; // prettier-ignore
    const shard = this.#shards[below(this.#random, this.#shards.length)];
    const [sourceId] = shard?.owners ?? [];
    if (shard === undefined || sourceId === undefined) throw new Error('there is nothing to copy');
    const source =
      catalog.dataNodes.find(({ id }) => id === sourceId)?.tcpAddress.split(':')[0] ?? '';
    const held = [...cluster.machine(source).drive.tree.inodes(`${folder}/${shard.id}`)];
    const sizeBytes = held.reduce((sum, { length }) => sum + length, 0);
    const roomBytes = hasRoom ? Infinity : below(this.#random, 5 * sizeBytes + 1_000);
    drive.capacityBytes = drive.tree.usedBytes() + roomBytes;
    // Slow enough for writes and deletes to come in between, and no slower than a copy of so many files may be late.
    drive.slowFactor = 1 + below(this.#random, Math.min(60, Math.ceil(fileCallsMax / held.length)));
    const before = world.faultCounts.disk_full;
    const request = { shardId: shard.id, sourceId, destinationId };
    const copying = load.orLate(cluster.copies.get(leader)?.copy(request));
    const isCopied = await world.complete(copying);
    const isFull = world.faultCounts.disk_full > before;
    drive.capacityBytes = Infinity;
    drive.slowFactor = 1;
    if (isCopied) {
      this.copied++;
      await this.#checkOwner(shard.id);
      await world.complete(this.#copying.remove(leader, shard.id, destinationId));
    } else if (isFull) this.refused++;
    else throw new Error(`shard ${shard.id} was not copied, and there was room`);
    await this.#gone(shard.id);
  }

  async #checkOwner(shardId: number): Promise<void> {
    const { data, world } = this.#copying.cluster;
    // What a full disk could not take was kept by others.
    await drained(this.#copying.cluster);
    await world.run(world.nowMs + 500);
    if (!data.has(destination)) throw new Error('the destination is down');
    for (const shard of this.#shards)
      if (shard.id === shardId) await this.#copying.checkShard(shard);
  }

  /** What a copy has left is away soon after it. */
  async #gone(shardId: number): Promise<void> {
    const { world } = this.#copying.cluster;
    const { tree } = this.#copying.cluster.machine(destination).drive;
    const untilMs = world.nowMs + settleMs;
    const names = new RegExp(`^${shardId}(\\.staging-\\d+)?$`);
    for (;;) {
      const left = tree.list(folder).filter(({ name }) => names.test(name));
      if (left.length === 0) return;
      if (world.nowMs > untilMs) throw new Error(`a copy has left ${left.map(({ name }) => name).join(', ')}`); // prettier-ignore
      await world.run(world.nowMs + 500);
    }
  }
}

export async function runFullCopies(
  seed: number,
  options: LoadRunOptions = {},
): Promise<FullCopiesResult> {
  const load = await beginLoad(seed, { weekCount: 2, hasDeletes: true, ...options });
  const { cluster } = load;
  const { world } = cluster;
  cluster.boot(destination);
  await world.run(world.nowMs + 1_000);
  await world.complete(cluster.add(destination));
  await world.run(world.nowMs + 1_000);
  const random = world.random('full');
  const filling = new Filling(new Copying(load), random);
  for (let i = 0; i < attempts; i++) await filling.attempt(false);
  await filling.attempt(true);
  load.isOver = true;
  const { copied, refused } = filling;
  return { acknowledged: load.acknowledged.length, deletes: load.deleteCount, copied, refused };
}
