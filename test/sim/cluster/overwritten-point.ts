import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { rowText, valueText } from './points.ts';
import { ask, shardRows } from './read-rows.ts';

const database = 'late';
const timeNs = 500_000n;
/** The hint is on the disk by then. */
const queuedMs = 500;
/** A node that has lost its power runs again by then. */
const backMs = 2_500;

/** One point that is written over, in a database of its own. */
export class OverwrittenPoint {
  readonly #cluster: ClusterWorld;

  constructor(cluster: ClusterWorld) {
    this.#cluster = cluster;
  }

  async createDatabase(): Promise<void> {
    const { world } = this.#cluster;
    const text = `CREATE DATABASE ${database} WITH REPLICATION 2`;
    await world.complete(ask(this.#nodeOf('d1'), text, ''));
    await world.run(world.nowMs + 1_000);
  }

  /** The names of the nodes that own it. */
  async owners(): Promise<readonly string[]> {
    const { data, world } = this.#cluster;
    const owners: string[] = [];
    for (const [name, { local }] of data)
      if ((await world.complete(local.facts.holdings())).length > 0) owners.push(name);
    return owners;
  }

  write(name: string, value: number, level: ConsistencyLevel): Promise<void> {
    return this.#write(name, `over v=${value}i ${timeNs}`, level);
  }

  /** Of its shard, which is told from it. */
  writeOther(name: string, value: number, level: ConsistencyLevel): Promise<void> {
    return this.#write(name, `other v=${value}i ${timeNs}`, level);
  }

  /**
   * `late` is away as `value` is written through `keeper`, which keeps the hint and is away for `awayMs` before it brings it; the value
   * behind it is written through `late` once that is back, beside what it had before.
   */
  async writeOver(
    value: number,
    { late, keeper, awayMs }: { readonly late: string; readonly keeper: string; readonly awayMs: number }, // prettier-ignore
  ): Promise<void> {
    const { world } = this.#cluster;
    // Not in a file yet: what comes next goes to one with it.
    await this.writeOther(late, value, 'all');
    this.#cluster.crash(late, 2 * queuedMs);
    await this.write(keeper, value, 'one');
    await world.run(world.nowMs + queuedMs);
    this.#cluster.crash(keeper, awayMs);
    await world.run(world.nowMs + backMs);
    await this.write(late, value + 1, 'one');
  }

  /** How many owners have this value; throws where one has another. */
  async check(value: number, round: number): Promise<number> {
    const { data, world } = this.#cluster;
    const expected = rowText([['v', valueText.integer(BigInt(value))]]);
    let lookedAt = 0;
    for (const [name, { local }] of data)
      for (const { shardId } of await world.complete(local.facts.holdings()))
        for (const [key, text] of await world.complete(shardRows(local, shardId))) {
          if (!key.startsWith('over')) continue;
          if (text !== expected) throw new Error(`in round ${round} ${name} has ${text}, not ${expected}`); // prettier-ignore
          lookedAt++;
        }
    return lookedAt;
  }

  #write(name: string, line: string, level: ConsistencyLevel): Promise<void> {
    const body = new TextEncoder().encode(line);
    const { writer } = this.#nodeOf(name);
    return this.#cluster.world.complete(writer.write({ database, retentionPolicy: '', body, stepNs: 1n, level, timeoutMs: 60_000 })); // prettier-ignore
  }

  #nodeOf(name: string): DataNode {
    const node = this.#cluster.data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  }
}
