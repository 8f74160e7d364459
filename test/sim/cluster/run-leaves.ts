/**
 * A data node is taken out of its cluster and ends while it erases what it has, at any moment of that, by its disk or by the
 * power, and its removal is asked for again, or not for a while. While that goes on any node is asked for all points, of which
 * another owner has each: an answer that is no error has them all (decision 166). At the end the node is of no cluster and has no shard.
 */
import { DbError } from '../../../src/base/errors.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { answeredRows, ask } from './read-rows.ts';

const weekCount = 24;
const weekNs = 7n * 24n * 3_600n * 1_000_000_000n;
const hostCount = 2;
const pointCount = weekCount * hostCount;
const database = 'k';
const question = 'SELECT v FROM p GROUP BY *';
/** Most of the time between two disk calls of one that erases is less. */
const endsWithinMs = 40;
const askedMax = 40;

export interface LeavesResult {
  /** Times that the node ended while its removal was under way. */
  readonly ended: number;
  /** Those after which it went on by itself to erase what it had. */
  readonly wentOn: number;
  /** Answers while it left that were no errors. */
  readonly answers: number;
}

export async function runLeaves(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<LeavesResult> {
  let wentOn = 0;
  const onTrace = (line: string): void => {
    if (line.includes('it goes on to erase what it has')) wentOn++;
  };
  const cluster = new ClusterWorld(seed, { plant, onTrace });
  const { world } = cluster;
  const random = world.random('leaves');
  await cluster.form();
  await fill(cluster, random);
  const leaving = `d${1 + below(random, 3)}`;
  const asking = new Asking(cluster);
  const client = cluster.machine('client');
  world.spawn(client, () => asking.run(random.fork('ask')));
  let ended = 0;
  let isRemoved = false;
  for (let asked = 0; !isRemoved; asked++) {
    if (asked > askedMax) throw new Error(`${leaving} does not leave`);
    const removed = cluster.remove(leaving).then(
      () => true,
      () => false,
    );
    const late = client.env.clock.sleep(20_000).then(() => false);
    // From the third time on it can end.
    cluster.machine(leaving).drive.ioErrorRate = asked < 3 && fraction(random) < 0.4 ? 0.04 : 0;
    if (asked === 0 || fraction(random) < 0.5) {
      await world.run(world.nowMs + below(random, endsWithinMs));
      cluster.crash(leaving, below(random, 2_000));
      ended++;
    }
    isRemoved = await world.complete(Promise.race([removed, late]));
    await world.run(world.nowMs + below(random, 4_000));
  }
  cluster.machine(leaving).drive.ioErrorRate = 0;
  await world.run(world.nowMs + 5_000);
  asking.isOver = true;
  if (asking.fault !== undefined) throw asking.fault;
  await checkEmpty(cluster, leaving);
  cluster.end();
  return { ended, wentOn, answers: asking.answers };
}

/** All of it at all owners: each shard has two of the three nodes. */
async function fill({ world, data }: ClusterWorld, random: Random): Promise<void> {
  const nodes = [...data.values()];
  const node = nodes[below(random, nodes.length)];
  if (node === undefined) throw new Error('no node');
  const policy = 'WITH DURATION INF REPLICATION 2 SHARD DURATION 7d';
  await world.complete(ask(node, `CREATE DATABASE ${database} ${policy}`, ''));
  await world.run(world.nowMs + 1_000);
  const lines = Array.from({ length: pointCount }, (_, i) => {
    const timeNs = BigInt(i % weekCount) * weekNs + BigInt(i + 1);
    return `p,host=h${i % hostCount} v=${i}i ${timeNs}`;
  });
  const body = new TextEncoder().encode(lines.join('\n'));
  const request = { database, retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 } as const; // prettier-ignore
  await world.complete(node.writer.write(request));
  await world.run(world.nowMs + 2_000);
}

class Asking {
  readonly #cluster: ClusterWorld;
  isOver = false;
  answers = 0;
  fault: Error | undefined;

  constructor(cluster: ClusterWorld) {
    this.#cluster = cluster;
  }

  async run(random: Random): Promise<void> {
    const { data } = this.#cluster;
    const { clock } = this.#cluster.machine('client').env;
    while (!this.isOver) {
      await clock.sleep(below(random, 60));
      const nodes = [...data];
      const [name, node] = nodes[below(random, nodes.length)] ?? [];
      if (name === undefined || node === undefined) continue;
      const late = clock.sleep(10_000).then(() => 'nobody answers');
      const answer = await Promise.race([ask(node, question, database), late]);
      // One that is of no cluster knows no database.
      if (typeof answer === 'string' || !node.meta.isJoined) continue;
      const { size } = answeredRows(answer);
      if (size === 0 && isWithout(node)) continue;
      this.answers++;
      if (size !== pointCount)
        this.fault ??= new Error(`${name} answers with ${size} of ${pointCount} points`);
    }
  }
}

/** A database that it does not know is answered with nothing. */
function isWithout({ meta }: DataNode): boolean {
  return [...meta.catalog.databases].every(({ name }) => name !== database);
}

async function checkEmpty({ world, data }: ClusterWorld, name: string): Promise<void> {
  const node = data.get(name);
  if (node === undefined) throw new DbError('internal', `${name} does not run`);
  if (node.meta.isJoined) throw new Error(`${name} is of the cluster after it left`);
  const held = await world.complete(node.local.facts.holdings());
  if (held.length > 0) throw new Error(`${name} has ${held.length} shards after it left`);
}
