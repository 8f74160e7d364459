import type { DataNode } from '../../../src/server/node/data-node.ts';
import type { World } from '../world/world.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';

export const hostCount = 8;

interface SpreadCluster {
  readonly world: World;
  readonly nodeCount: number;
  readonly at: (i: number) => DataNode;
  /** A point of each of `hosts`, of all when left out. */
  readonly write: (
    node: DataNode,
    measurement: string,
    field: string,
    hosts?: readonly number[],
  ) => Promise<void>;
  readonly count: (node: DataNode, text: string) => Promise<readonly number[]>;
  readonly writeLines: (node: DataNode, lines: readonly string[]) => Promise<void>;
  /** How often nodes were asked what they have. */
  readonly describedCount: () => Promise<number>;
}

export interface SpreadOptions {
  readonly plant?: Plant;
  readonly seed?: number;
  /** Owners of each point; all nodes have all points where it is the number of nodes. */
  readonly replicaCount?: number;
}

/** A cluster whose points of one hour are on all nodes, a part on each. */
export async function spread({
  plant,
  seed = 5,
  replicaCount = 1,
}: SpreadOptions = {}): Promise<SpreadCluster> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world, data } = cluster;
  await cluster.form();
  const nodes = [...data.values()];
  const at = (i: number): DataNode => nodes[i % nodes.length] as DataNode;
  await world.complete(
    ask(at(0), `CREATE DATABASE d WITH DURATION INF REPLICATION ${replicaCount}`, ''),
  );
  await world.run(world.nowMs + 1_000);
  const writeLines = (node: DataNode, lines: readonly string[]): Promise<void> =>
    node.writer.write({ database: 'd', retentionPolicy: '', body: new TextEncoder().encode(lines.join('\n')), stepNs: 1n, level: 'all', timeoutMs: 60_000 }); // prettier-ignore
  const write = (
    node: DataNode,
    measurement: string,
    field: string,
    hosts: readonly number[] = [...Array(hostCount).keys()],
  ): Promise<void> => {
    const lines = hosts.map((i) => `${measurement},host=h${i} ${field}=${i}i ${i + 1}`);
    return writeLines(node, lines);
  };
  const count = async (node: DataNode, text: string): Promise<readonly number[]> => {
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
  return { world, at, nodeCount: nodes.length, write, writeLines, count, describedCount };
}

/** Rejects where a node does not show what a write has brought that was acknowledged, through whichever node. */
export async function runGrownSchemas(options: SpreadOptions = {}): Promise<void> {
  const { world, at, nodeCount, write, count } = await spread(options);
  const all = [...Array(nodeCount).keys()];
  const counts = async (text: string, wanted: readonly number[]): Promise<void> => {
    for (const i of all) {
      const got = (await count(at(i), text)).join();
      if (got !== wanted.join()) throw new Error(`${text} at node ${i + 1} is ${got}, not ${wanted.join()}`); // prettier-ignore
    }
  };
  await world.complete(write(at(0), 'm', 'f0'));
  for (let round = 1; round < 6; round++) {
    // Those of all hosts come before those of one.
    const times = (number: number, of: number): number[] => Array<number>(of).fill(number);
    await counts('SELECT count(*) FROM m', [...times(hostCount, round), ...times(1, round - 1)]);
    // What is not there is remembered, too.
    await counts(`SELECT count(f${round}) FROM m`, []);
    await counts(`SELECT count(f0) FROM n${round}`, []);
    await world.complete(write(at(round), 'm', `f${round}`));
    await world.complete(write(at(round + 1), `n${round}`, 'f0'));
    // In one shard alone: nodes without it have nothing of their own that would tell them.
    await world.complete(write(at(round), 'm', `g${round}`, [round]));
    await counts('SELECT count(*) FROM m', [...times(hostCount, round + 1), ...times(1, round)]);
    await counts(`SELECT count(f${round}) FROM m`, [hostCount]);
    await counts(`SELECT count(f0) FROM n${round}`, [hostCount]);
  }
}
