import { expect, test } from 'vitest';
import type { DataNode } from '../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster/cluster-world.ts';
import { ask } from './cluster/read-rows.ts';

const hostCount = 8;

/** A cluster whose points of one hour are on all nodes, a part on each. */
async function spread() {
  const cluster = new ClusterWorld(5);
  const { world, data } = cluster;
  await cluster.form();
  const nodes = [...data.values()];
  const at = (i: number): DataNode => nodes[i % nodes.length] as DataNode;
  await world.complete(ask(at(0), 'CREATE DATABASE d WITH DURATION INF REPLICATION 1', ''));
  await world.run(world.nowMs + 1_000);
  const write = (node: DataNode, measurement: string, field: string): Promise<void> => {
    const lines = Array.from({ length: hostCount }, (_, i) => `${measurement},host=h${i} ${field}=${i}i ${i + 1}`); // prettier-ignore
    return node.writer.write({ database: 'd', retentionPolicy: '', body: new TextEncoder().encode(lines.join('\n')), stepNs: 1n, level: 'all', timeoutMs: 60_000 }); // prettier-ignore
  };
  const count = async (node: DataNode, text: string): Promise<unknown> => {
    const answer = await world.complete(ask(node, text, 'd'));
    if (typeof answer === 'string') throw new Error(`${text}: ${answer}`);
    return answer.map((series) => (series.kind === 'columns' ? series.values.map(({ values }) => ('offsets' in values ? NaN : Number(values[0]))) : [])).flat(); // prettier-ignore
  };
  const describedCount = async (): Promise<number> => {
    const counts = await Promise.all(
      nodes.map(async ({ statistics }) => {
        const all = await world.complete(statistics.read());
        return all.find(({ name }) => name === 'cluster')?.values['fieldDimensionsReq'] ?? 0;
      }),
    );
    return counts.reduce((sum, one) => sum + one, 0);
  };
  return { world, at, nodeCount: nodes.length, write, count, describedCount };
}

test('schemas that grow: a field and a measurement are seen through every node as soon as their write is acknowledged', async () => {
  const { world, at, nodeCount, write, count } = await spread();
  const all = [...Array(nodeCount).keys()];
  await world.complete(write(at(0), 'm', 'f0'));
  for (let round = 1; round < 6; round++) {
    for (const i of all) {
      expect(await count(at(i), 'SELECT count(*) FROM m')).toEqual(Array(round).fill(hostCount));
      // What is not there is remembered, too.
      expect(await count(at(i), `SELECT count(f${round}) FROM m`)).toEqual([]);
      expect(await count(at(i), `SELECT count(f0) FROM n${round}`)).toEqual([]);
    }
    await world.complete(write(at(round), 'm', `f${round}`));
    await world.complete(write(at(round + 1), `n${round}`, 'f0'));
    for (const i of all) {
      expect(await count(at(i), `SELECT count(f${round}) FROM m`)).toEqual([hostCount]);
      expect(await count(at(i), `SELECT count(f0) FROM n${round}`)).toEqual([hostCount]);
    }
  }
});

test('schemas that grow: nodes are asked what they have once, as long as that does not change', async () => {
  const { world, at, write, count, describedCount } = await spread();
  const text = 'SELECT count(f) FROM m';
  for (let i = 0; i < 2; i++) {
    await world.complete(write(at(0), 'm', 'f'));
    await count(at(0), text);
  }
  const before = await describedCount();
  for (let i = 0; i < 5; i++) {
    await world.complete(write(at(i), 'm', 'f'));
    expect(await count(at(0), text)).toEqual([hostCount]);
  }
  // A shard that begins a new table of series counts its fields anew, once.
  expect((await describedCount()) - before).toBeLessThan(2);
  await world.complete(write(at(1), 'm', 'g'));
  expect(await count(at(0), 'SELECT count(*) FROM m')).toEqual([hostCount, hostCount]);
  expect(await describedCount()).toBeGreaterThan(before);
});
