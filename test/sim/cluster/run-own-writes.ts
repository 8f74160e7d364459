import { below } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { drained } from './run-seed.ts';

const roundCount = 8;
/** How long a node is asked after an owner is back, and how often: hinted handoff has brought what waits by then. */
const askedMs = 1_500;
const askEveryMs = 25;

export interface OwnWritesResult {
  readonly acknowledged: number;
  readonly reads: number;
}

/**
 * One owner of each shard is away while others write, and comes back: a node that has acknowledged a point shows it all the
 * while, whatever the owner that is back lacks. Rejects where it does not.
 */
export async function runOwnWrites(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<OwnWritesResult> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('own-writes');
  await cluster.form();
  const nodeOf = (name: string): DataNode => {
    const node = cluster.data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  };
  await world.complete(ask(nodeOf('d1'), 'CREATE DATABASE own WITH REPLICATION 2', ''));
  await world.run(world.nowMs + 1_000);
  const names = ['d1', 'd2', 'd3'];
  let reads = 0;
  for (let number = 1; number <= roundCount; number++) {
    const victim = names[below(random, names.length)] ?? '';
    const through = names.filter((name) => name !== victim)[below(random, 2)] ?? '';
    cluster.crash(victim, 800);
    await world.complete(write(nodeOf(through), number));
    const untilMs = world.nowMs + askedMs;
    while (world.nowMs < untilMs) {
      await world.run(world.nowMs + askEveryMs);
      const count = await world.complete(countOf(nodeOf(through)));
      if (typeof count === 'string') continue;
      reads++;
      if (count !== number)
        throw new Error(`${through} shows ${count} of ${number} points that were acknowledged, since ${victim} is back`); // prettier-ignore
    }
    await drained(cluster);
  }
  return { acknowledged: roundCount, reads };
}

function write(node: DataNode, number: number): Promise<void> {
  const body = new TextEncoder().encode(`p,k=k${number % 4} v=${number}i ${number}`);
  return node.writer.write({ database: 'own', retentionPolicy: '', body, stepNs: 1n, level: 'one', timeoutMs: 60_000 }); // prettier-ignore
}

/** The error's text where there is no answer. */
async function countOf(node: DataNode): Promise<number | string> {
  const answer = await ask(node, 'SELECT v FROM p', 'own');
  if (typeof answer === 'string') return answer;
  return answer.reduce((sum, series) => sum + (series.kind === 'columns' ? series.end - series.start : 0), 0); // prettier-ignore
}
