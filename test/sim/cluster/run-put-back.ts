/**
 * The disks of all meta nodes are put back to what they had a while before, as from snapshots of their machines, while data nodes have been told of what came
 * since and have points of it. Clients go on. What is promised (decision 151): nothing is decided from then on, so that no id and no index is given
 * a second time, and every data node keeps, and answers with, all that was acknowledged.
 */
import { below, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { answeredRows, ask } from './read-rows.ts';

const weekNs = 7n * 24n * 3_600n * 1_000_000_000n;
const database = 'k';
const question = 'SELECT v FROM p GROUP BY *';
const clientsMs = 20_000;
const metaNames = ['m1', 'm2', 'm3'] as const;

export interface PutBackResult {
  /** Weeks with points that were acknowledged. */
  readonly weeks: number;
  /** Writes of further weeks, and statements, that were refused afterwards. */
  readonly refused: number;
  /** Answers afterwards. */
  readonly answers: number;
}

export async function runPutBack(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<PutBackResult> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('put back');
  await cluster.form();
  const policy = 'WITH DURATION INF REPLICATION 2 SHARD DURATION 7d';
  await world.complete(ask(anyOf(cluster, random), `CREATE DATABASE ${database} ${policy}`, ''));
  await world.run(world.nowMs + 1_000);
  let weeks = await writeWeeks(cluster, random, { from: 0, count: 1 + below(random, 4) });
  await world.run(world.nowMs + 1_000);
  const copies = metaNames.map((name) => cluster.machine(name).kvDrive.copies());
  weeks = await writeWeeks(cluster, random, { from: weeks, count: 1 + below(random, 4) });
  await world.run(world.nowMs + 1_000);
  for (const [i, name] of metaNames.entries()) {
    cluster.crash(name, 500 + below(random, 3_000));
    const copy = copies[i];
    if (copy !== undefined) cluster.machine(name).kvDrive.putBack(copy);
  }
  const clients = new Clients(cluster, weeks);
  world.spawn(cluster.machine('client'), () => clients.run(random.fork('clients')));
  await world.run(world.nowMs + clientsMs);
  clients.isOver = true;
  await world.run(world.nowMs + 15_000);
  if (clients.fault !== undefined) throw clients.fault;
  cluster.end();
  return { weeks, refused: clients.refused, answers: clients.answers };
}

function anyOf({ data }: ClusterWorld, random: Random): DataNode {
  const nodes = [...data.values()];
  const node = nodes[below(random, nodes.length)];
  if (node === undefined) throw new Error('no data node runs');
  return node;
}

/** A point in each; answers the first week behind them. */
async function writeWeeks(
  cluster: ClusterWorld,
  random: Random,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<number> {
  for (let week = from; week < from + count; week++)
    await cluster.world.complete(writeWeek(anyOf(cluster, random), week));
  return from + count;
}

async function writeWeek({ writer }: DataNode, week: number): Promise<void> {
  const body = new TextEncoder().encode(`p,week=w${week} v=${week}i ${BigInt(week) * weekNs + 1n}`);
  await writer.write({ database, retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 5_000 }); // prettier-ignore
}

class Clients {
  readonly #cluster: ClusterWorld;
  readonly #weeks: number;
  isOver = false;
  refused = 0;
  answers = 0;
  fault: Error | undefined;

  constructor(cluster: ClusterWorld, weeks: number) {
    this.#cluster = cluster;
    this.#weeks = weeks;
  }

  async run(random: Random): Promise<void> {
    const { clock } = this.#cluster.machine('client').env;
    for (let i = 0; !this.isOver; i++) {
      await clock.sleep(below(random, 600));
      const node = anyOf(this.#cluster, random);
      const late = clock.sleep(6_000).then(() => false);
      const asked =
        i % 2 === 0 ? this.#write(node, this.#weeks + 1 + i) : this.#make(node, `e${i}`);
      const isTaken = await Promise.race([asked, late]);
      if (isTaken) this.fault ??= new Error('the metas decide what data nodes know otherwise');
      else this.refused++;
      await this.#look(anyOf(this.#cluster, random));
    }
  }

  /** A week that nobody has a shard for. */
  #write(node: DataNode, week: number): Promise<boolean> {
    return writeWeek(node, week).then(
      () => true,
      () => false,
    );
  }

  async #make(node: DataNode, name: string): Promise<boolean> {
    return typeof (await ask(node, `CREATE DATABASE ${name}`, '')) !== 'string';
  }

  async #look(node: DataNode): Promise<void> {
    const answer = await ask(node, question, database);
    if (typeof answer === 'string') return;
    this.answers++;
    const { size } = answeredRows(answer);
    if (size < this.#weeks)
      this.fault ??= new Error(`an answer has ${size} of ${this.#weeks} weeks`);
  }
}
