import { below } from '../../../src/env/random.ts';
import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { rowText, valueText } from './points.ts';
import { ask, shardRows } from './read-rows.ts';

const names = ['d1', 'd2', 'd3'];
const roundCount = 4;
const database = 'late';
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
/** What a node that is back, or hinted handoff, takes to bring what it has to the others. */
const settleMs = 20_000;

/**
 * A node loses its power once all have acknowledged a point; while it is away the point is written over through another one, put in
 * files, and all others lose their power, too. The one that is back brings what it took last (decision 137): nobody may take that for news. Gives
 * how many owners were looked at; rejects where one has an earlier value than was acknowledged.
 */
export async function runLateReturns(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world, data } = cluster;
  const random = world.random('late-returns');
  await cluster.form();
  const nodeOf = (name: string): DataNode => {
    const node = data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  };
  const write = (name: string, value: number, level: ConsistencyLevel): Promise<void> => {
    const body = new TextEncoder().encode(`over v=${value}i 500000`);
    return world.complete(nodeOf(name).writer.write({ database, retentionPolicy: '', body, stepNs: 1n, level, timeoutMs: 60_000 })); // prettier-ignore
  };
  await world.complete(ask(nodeOf('d1'), `CREATE DATABASE ${database} WITH REPLICATION 2`, ''));
  await world.run(world.nowMs + 1_000);
  let lookedAt = 0;
  for (let round = 1; round <= roundCount; round++) {
    const late = names[below(random, names.length)] ?? '';
    const others = names.filter((name) => name !== late);
    await write(late, round * 10, 'all');
    await world.run(world.nowMs + below(random, 100));
    cluster.crash(late, awayMs);
    await write(others[below(random, others.length)] ?? '', round * 10 + 1, 'one');
    await world.run(world.nowMs + flushMs);
    for (const name of others) cluster.crash(name, 500 + below(random, 4_000));
    await world.run(world.nowMs + awayMs + settleMs);
    const expected = rowText([['v', valueText.integer(BigInt(round * 10 + 1))]]);
    for (const [name, { local }] of data)
      for (const { shardId } of await world.complete(local.holdings()))
        for (const text of (await world.complete(shardRows(local, shardId))).values()) {
          if (text !== expected) throw new Error(`in round ${round} ${name} has ${text}, not ${expected}`); // prettier-ignore
          lookedAt++;
        }
  }
  return lookedAt;
}
