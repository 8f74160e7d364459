import { below, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import type { Rows } from './points.ts';
import { ask, storedRows } from './read-rows.ts';

const fieldCount = 12;
/** Shorter than an owner waits for the lead of a shard (decision 17): on such a network each field has one type. */
const reorderMs = 300;

export interface FieldTypesResult {
  /** Fields that two nodes gave two types at once. */
  readonly contested: number;
  /** Writes that were refused since the field had the other type. */
  readonly refused: number;
}

/**
 * Two nodes create each field with two types at the same moment, on a network that doubles and holds back what they say: one of
 * the two is refused, and every owner has the field with the type of the other. So it is once more when the measurement was
 * dropped, and with it all that owners were told of its fields. Rejects where owners differ.
 */
export async function runFieldTypes(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<FieldTypesResult> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world, data } = cluster;
  const random = world.random('field-types');
  await cluster.form();
  const nodes = [...data.values()];
  await world.complete(ask(nodes[0] as DataNode, 'CREATE DATABASE t WITH REPLICATION 3', ''));
  await world.run(world.nowMs + 1_000);
  world.network.setRates({ duplicate: 0.2, reorder: 0.3, reorderMs });
  const before = await contest(cluster, nodes, random);
  await checkOwners(cluster);
  await world.complete(ask(nodes[0] as DataNode, 'DROP MEASUREMENT p', 't'));
  const behind = await contest(cluster, nodes, random);
  await checkOwners(cluster);
  return { contested: 2 * fieldCount, refused: before + behind };
}

/** How many of two writes of each field were refused. */
async function contest(
  { world }: ClusterWorld,
  nodes: readonly DataNode[],
  random: Random,
): Promise<number> {
  let refused = 0;
  for (let number = 0; number < fieldCount; number++) {
    const first = below(random, nodes.length);
    const second = (first + 1 + below(random, nodes.length - 1)) % nodes.length;
    const writes = [write(nodes[first], `x${number}=1i`, 2 * number), write(nodes[second], `x${number}=1.5`, 2 * number + 1)]; // prettier-ignore
    const outcomes = await world.complete(Promise.all(writes));
    const refusals = outcomes.filter((text) => text.includes('field type conflict'));
    const strange = outcomes.find((text) => text !== '' && !refusals.includes(text));
    if (strange !== undefined) throw new Error(`a write was refused otherwise: ${strange}`);
    if (refusals.length !== 1) throw new Error(`of two types of x${number} ${refusals.length} were refused`); // prettier-ignore
    refused += refusals.length;
  }
  return refused;
}

/** The text of what went wrong; '' where nothing did. */
async function write(node: DataNode | undefined, field: string, timeNs: number): Promise<string> {
  const body = new TextEncoder().encode(`p ${field} ${timeNs}`);
  try {
    await node?.writer.write({ database: 't', retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 }); // prettier-ignore
    return '';
  } catch (error) {
    return String(error);
  }
}

async function checkOwners({ world, data }: ClusterWorld): Promise<void> {
  const held: (readonly [name: string, rows: Rows])[] = [];
  for (const [name, node] of data) held.push([name, await world.complete(rowsOf(node))]);
  const [[one, rows] = ['', new Map<string, string>()], ...others] = held;
  if (rows.size !== fieldCount) throw new Error(`${one} has ${rows.size} points of ${fieldCount}`);
  for (const [other, theirs] of others)
    for (const key of new Set([...rows.keys(), ...theirs.keys()]))
      if (rows.get(key) !== theirs.get(key))
        throw new Error(`${one} has ${rows.get(key)} at ${key}, and ${other} ${theirs.get(key)}`);
}

async function rowsOf({ local }: DataNode): Promise<Rows> {
  return (await storedRows(local)).rows;
}
