/**
 * Shards that go from node to node while clients write and nodes end, with a checker: whatever becomes of the copies, every
 * owner has every point that all owners had acknowledged, and no node keeps a shard that is not its own.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { discardMethod } from '../../../src/meta/client/data-methods.ts';
import type { ShardInfo } from '../../../src/meta/model/catalog.ts';
import { copiesOf } from '../../../src/meta/model/shard-copies.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import { pickNode } from './admin.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import type { Rows } from './points.ts';
import { shardRows } from './read-rows.ts';
import { calm } from './strike.ts';
import { epochNs, weekNs } from './workload.ts';

export interface CopiesResult {
  readonly acknowledged: number;
  /** Copies that made an owner, and those that failed. */
  readonly copied: number;
  readonly failed: number;
}

const clientCount = 3;
const patienceMs = 12_000;

/** A point that is written once, and what is known of it. */
interface Written {
  readonly key: string;
  readonly value: string;
  isAcknowledged: boolean;
}

export class Copying {
  readonly cluster: ClusterWorld;
  readonly #weekCount: number;
  readonly written: Written[] = [];
  isOver = false;
  copied = 0;
  failed = 0;

  constructor(cluster: ClusterWorld, weekCount: number) {
    this.cluster = cluster;
    this.#weekCount = weekCount;
  }

  /** Writes a few points at a time by any node, to be acknowledged by all owners. */
  async write(random: Random, client: number): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    for (let i = 0; !this.isOver; i++) {
      await clock.sleep(below(random, 40));
      const node = pickNode(this.cluster, random);
      if (node === undefined) continue;
      const points = Array.from(
        { length: 1 + below(random, 4) },
        (_, k): Written & { line: string } => {
          const timeNs = epochNs + BigInt(below(random, this.#weekCount)) * weekNs + BigInt(client * 10_000_000 + i * 10 + k); // prettier-ignore
          const series = `m,c=c${below(random, 5)}`;
          const value = `${client * 1_000_000 + i * 10 + k}`;
          return { key: `${series} ${timeNs}`, value, isAcknowledged: false, line: `${series} v=${value}i ${timeNs}` }; // prettier-ignore
        },
      );
      this.written.push(...points);
      const body = new TextEncoder().encode(points.map(({ line }) => line).join('\n'));
      const request = { database: 'k', retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 5_000 } as const; // prettier-ignore
      const done = node.writer.write(request).then(() => true, () => false); // prettier-ignore
      const isDone = await Promise.race([done, clock.sleep(patienceMs).then(() => false)]);
      if (isDone) for (const point of points) point.isAcknowledged = true;
    }
  }

  /** Copies a shard to a node that does not own it, and then takes it from one that did. */
  async move(random: Random): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    while (!this.isOver) {
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
      const copying = this.orLate(this.cluster.copies.get(name)?.copy(request));
      if (fraction(random) < 0.2) {
        await clock.sleep(below(random, 300));
        await this.orLate(this.cluster.copies.get(name)?.kill(request));
      }
      const isCopied = await copying;
      if (!isCopied) this.failed++;
      else {
        this.copied++;
        await this.#remove(name, shard.id, sourceId);
      }
    }
  }

  /** As `influxd-ctl remove-shard`. */
  async #remove(name: string, shardId: number, nodeId: number): Promise<void> {
    const { env } = this.cluster.machine(name);
    const node = this.cluster.metas.get(name);
    if (node === undefined) return;
    const command = { kind: 'remove-shard-owner', shardId, nodeId, nowNs: env.clock.wallNs() } as const; // prettier-ignore
    if (!(await this.orLate(node.execute(command)))) return;
    const address = node.catalog.dataNodes.find(({ id }) => id === nodeId)?.tcpAddress ?? '';
    const rpc = new RpcClient(env.transport, node.membership);
    const request = { shardId, catalogIndex: node.catalog.index };
    await this.orLate(rpc.call(address, discardMethod, request, { deadlineMs: 5_000 }));
  }

  async orLate(work: Promise<unknown> | undefined): Promise<boolean> {
    const { clock } = this.cluster.machine('client').env;
    if (work === undefined) return false;
    const done = work.then(() => true, () => false); // prettier-ignore
    return Promise.race([done, clock.sleep(60_000).then(() => false)]);
  }

  /** `mayBeLeft`: nodes may have shards that are not their own. */
  async check(mayBeLeft: boolean): Promise<void> {
    const { cluster } = this;
    const [meta] = [...cluster.metas.values()].filter(({ isLeader }) => isLeader);
    if (meta === undefined) throw new Error('nobody leads');
    if (copiesOf(meta.catalog).length > 0) throw new Error('a copy does not end');
    const all = new Map(this.written.map((point) => [point.key, point]));
    const seen = new Set<string>();
    for (const { shard, database } of meta.catalog.databases.shards())
      if (database === 'k') await this.#checkShard(shard, { all, seen });
    for (const { key, isAcknowledged } of this.written)
      if (isAcknowledged && !seen.has(key))
        throw new Error(`${key} was acknowledged, and is nowhere`);
    for (const [name, node] of cluster.data) {
      const held = await cluster.world.complete(node.local.holdings());
      for (const { shardId, database } of held) {
        const owners = meta.catalog.databases.shard(shardId)?.shard.owners ?? [];
        if (database === 'k' && !owners.includes(node.meta.nodeId) && !mayBeLeft)
          throw new Error(`${name} keeps shard ${shardId}, which is not its own`);
      }
    }
  }

  /** What was acknowledged and is on one owner is on all. */
  async #checkShard(
    { id, owners }: ShardInfo,
    { all, seen }: { readonly all: ReadonlyMap<string, Written>; readonly seen: Set<string> },
  ): Promise<void> {
    const { data, world } = this.cluster;
    const stored = new Map<string, Rows>();
    for (const [name, { local, meta }] of data)
      if (owners.includes(meta.nodeId))
        stored.set(name, await world.complete(shardRows(local, id)));
    for (const [name, rows] of stored)
      for (const [key, text] of rows) {
        seen.add(key);
        const point = all.get(key);
        if (point === undefined) throw new Error(`${name} has ${key}, which nobody wrote`);
        if (!text.includes(point.value))
          throw new Error(`${name} has ${text} at ${key}, not ${point.value}`);
        for (const [other, others] of stored)
          if (point.isAcknowledged && !others.has(key))
            throw new Error(`${other} owns shard ${id} and lacks ${key}, which all owners acknowledged`); // prettier-ignore
      }
  }
}

export interface MovingOptions {
  readonly faultsMs?: number;
  readonly hasFaults?: boolean;
  readonly plant?: Plant | undefined;
}

export async function runCopies(seed: number, options: MovingOptions = {}): Promise<CopiesResult> {
  const copying = await beginMoving(seed, { ...options, weekCount: 2 });
  const { cluster } = copying;
  const random = cluster.world.random('copies');
  for (let i = 0; i < 2; i++)
    cluster.world.spawn(cluster.machine('client'), () => copying.move(random.fork(`move/${i}`)));
  await strikeFor(copying, random, options);
  await cluster.world.run(cluster.world.nowMs + 75_000);
  // What remove-shard could not tell a node that was down stays there until it is told again.
  await copying.check(cluster.world.faultCounts.crash > 0);
  const acknowledged = copying.written.filter(({ isAcknowledged }) => isAcknowledged).length;
  return { acknowledged, copied: copying.copied, failed: copying.failed };
}

/** A cluster with points of so many weeks, each on two of three nodes, that clients write to. */
export async function beginMoving(
  seed: number,
  { plant, weekCount }: MovingOptions & { readonly weekCount: number },
): Promise<Copying> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  await cluster.form();
  const random = world.random('copies');
  const [leader] = [...cluster.metas.values()].filter(({ isLeader }) => isLeader);
  const policy = { replication: 2, shardDurationNs: weekNs };
  if (leader === undefined) throw new Error('nobody leads');
  await world.complete(leader.execute({ kind: 'create-database', name: 'k', policy }));
  await world.run(world.nowMs + 500);
  const copying = new Copying(cluster, weekCount);
  for (let i = 0; i < clientCount; i++)
    world.spawn(cluster.machine('client'), () => copying.write(random.fork(`write/${i}`), i));
  await world.run(world.nowMs + 1_000);
  return copying;
}

/** Ends and cuts off nodes for a while, then lets all be well and stops the clients; `look` sees it now and then. */
export async function strikeFor(
  copying: Copying,
  random: Random,
  { faultsMs = 20_000, hasFaults = true, look }: MovingOptions & { readonly look?: () => void },
): Promise<void> {
  const { cluster } = copying;
  const { world } = cluster;
  const endMs = world.nowMs + faultsMs;
  while (world.nowMs < endMs) {
    if (hasFaults) strikeNode(cluster, random);
    await world.run(world.nowMs + 500 + below(random, 2_500));
    look?.();
  }
  calm(cluster);
  await world.run(world.nowMs + 8_000);
  copying.isOver = true;
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
