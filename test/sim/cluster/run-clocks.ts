import { below, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';

const names = ['d1', 'd2', 'd3'];
/** With copies of each point on one node, and on two of the three. */
const databases = ['one', 'two'];
const roundCount = 12;
const writesInRound = 6;
/** More than a write takes: of clocks that differ by less nobody can tell which was first (decision 135). */
const pauseMs = 20;
/** How far clocks jump: further than a call takes and nodes differ anyhow; by some of them further than others follow. */
const jumpsMs = [10_000, -10_000, 3_600_000, -3_600_000, 30 * 3_600_000, -30 * 3_600_000];

/**
 * One client writes a few points over and over, each time through another node, and waits for all owners and a moment more, and deletes one now and then;
 * clocks of nodes are far apart, and jump. What it wrote last and has not deleted shows through every node, and nothing else. Answers how
 * many writes there were; rejects where it does not.
 */
export async function runClocks(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('clocks');
  await cluster.form();
  const nodeOf = (name = ''): DataNode => {
    const node = cluster.data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  };
  for (const [i, name] of databases.entries())
    await world.complete(
      ask(nodeOf('d1'), `CREATE DATABASE ${name} WITH REPLICATION ${i + 1}`, ''),
    );
  await world.run(world.nowMs + 1_000);
  const last = new Map<string, number>();
  const erase = async (key: string): Promise<void> => {
    const [database = '', day = ''] = key.split(' ');
    const text = `DELETE FROM m WHERE time = ${timeOf(Number(day))}`;
    const answer = await world.complete(ask(nodeOf(oneOf(names, random)), text, database));
    if (typeof answer === 'string') throw new Error(answer);
    last.delete(key);
  };
  let written = 0;
  for (let round = 0; round < roundCount; round++) {
    cluster.machine(oneOf(names, random)).clock.jump(oneOf(jumpsMs, random));
    for (let i = 0; i < writesInRound; i++) {
      const database = oneOf(databases, random);
      // Times of several shards, so that each node coordinates what it owns and what it does not.
      const day = below(random, 3);
      written++;
      await world.complete(write(nodeOf(oneOf(names, random)), { database, day, value: written }));
      last.set(`${database} ${day}`, written);
      await world.run(world.nowMs + pauseMs);
    }
    await erase(oneOf([...last.keys()], random));
    if (round % 3 === 2) await restart(cluster, oneOf(names, random));
    for (const database of databases)
      for (const name of names) {
        const shown = await world.complete(valuesOf(nodeOf(name), database));
        const wanted = [...last].flatMap(([key, value]) => (key.startsWith(`${database} `) ? [value] : [])); // prettier-ignore
        const [text, wantedText] = [shown, wanted].map((values) => values.sort((a, b) => a - b).join()); // prettier-ignore
        if (text !== wantedText)
          throw new Error(`${name} shows [${text}] of ${database} in round ${round}, and not [${wantedText}]`); // prettier-ignore
      }
  }
  return written;
}

function oneOf<T>(list: readonly T[], random: Random): T {
  const found = list[below(random, list.length)];
  if (found === undefined) throw new Error('nothing to choose from');
  return found;
}

/** So that its stamps begin with what it has stored. */
async function restart(cluster: ClusterWorld, name: string): Promise<void> {
  cluster.crash(name, 100);
  await cluster.world.run(cluster.world.nowMs + 20_000);
}

const dayNs = 86_400_000_000_000n;

function timeOf(day: number): bigint {
  return BigInt(day * 10) * dayNs;
}

function write(
  node: DataNode,
  { database, day, value }: { readonly database: string; readonly day: number; readonly value: number }, // prettier-ignore
): Promise<void> {
  const body = new TextEncoder().encode(`m v=${value}i ${timeOf(day)}`);
  return node.writer.write({ database, retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 }); // prettier-ignore
}

async function valuesOf(node: DataNode, database: string): Promise<number[]> {
  const answer = await ask(node, 'SELECT v FROM m', database);
  if (typeof answer === 'string') throw new Error(answer);
  return answer.flatMap((series) => {
    if (series.kind !== 'columns') return [];
    const [column] = series.values;
    if (column?.type !== 'integer') return [];
    return [...column.values.subarray(series.start, series.end)].map(Number);
  });
}
