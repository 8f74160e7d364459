import { below, type Random } from '../../../src/env/random.ts';
import { discardMethod } from '../../../src/meta/client/data-methods.ts';
import type { MetaNode } from '../../../src/meta/server/meta-node.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import { RandomChoice } from '../../conformance/fresh/random-choice.ts';
import { freshMeasurements } from '../../conformance/fresh/random-data.ts';
import { ClusterWorld } from './cluster-world.ts';
import { answersDiffer } from './compare-answers.ts';
import { ask } from './read-rows.ts';
import { fill, type Layout } from './run-answers.ts';

/** With one owner nobody else has a shard that has just gone. */
const names: readonly Layout[] = ['once', 'twice'];
/** As the HTTP API holds back of an answer. */
const heldBytes = 1 << 20;
/** From before a shard is given up to after it is deleted. */
const aheadMsMax = 12;
/** Of one move: rows of everything are long. */
const askedMax = 12;

const questions = freshMeasurements
  .filter(({ name }) => name !== 'mixed')
  .flatMap(({ name }) => [
    `SELECT * FROM "${name}" GROUP BY *`,
    `SELECT count(*) FROM "${name}"`,
    `SHOW SERIES FROM "${name}"`,
  ]);

/**
 * Answers while shards go to other owners: whatever moment a question comes in, its answer is the one from before, also where its node has
 * not heard of the move yet. Rejects where it is not. Resolves with how many shards went.
 */
export async function runMovedAnswers(seed: number, count: number): Promise<number> {
  const cluster = new ClusterWorld(seed);
  const { world } = cluster;
  await cluster.form();
  const first = cluster.data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const name of names) await fill(cluster, first, { name, seed });
  await world.run(world.nowMs + 1_000);
  const random = world.random('moved answers');
  const choice = new RandomChoice(seed, 'moved answers');
  for (let i = 0; i < count; i++) await askWhileMoved(cluster, { random, choice });
  return count;
}

async function askWhileMoved(
  cluster: ClusterWorld,
  { random, choice }: { readonly random: Random; readonly choice: RandomChoice },
): Promise<void> {
  const { world, data } = cluster;
  const name = choice.of(names);
  const text = choice.of(questions);
  const [machine, node] = choice.of([...data]);
  const right = await world.complete(ask(node, text, name));
  const moving = await begun(cluster, name, random);
  const move = { isDone: false };
  world.spawn(cluster.machine('client'), async () => {
    await cluster.machine('client').env.clock.sleep(below(random, aheadMsMax));
    await moving.giveUp();
    move.isDone = true;
  });
  for (let asked = 0; asked < askedMax && !move.isDone; asked++) {
    const answer = await world.complete(ask(node, text, name, heldBytes));
    const difference = answersDiffer(answer, right);
    if (difference !== undefined)
      throw new Error(`${text} at ${machine} while ${moving.what}: ${difference}`);
  }
  while (!move.isDone) await world.run(world.nowMs + 10);
}

/** A shard that another node owns by now, and what takes it from one that did, as `influxd-ctl remove-shard`. */
async function begun(
  cluster: ClusterWorld,
  database: string,
  random: Random,
): Promise<{ readonly what: string; readonly giveUp: () => Promise<void> }> {
  // prettier-ignore
  const [name = '', node] = [...cluster.metas].find(([, one]) => one.isLeader) ?? [];
  if (node === undefined) throw new Error('nobody leads');
  const shards = [...node.catalog.databases.shards()].filter((one) => one.database === database);
  const { shard } = shards[below(random, shards.length)] ?? {};
  const others = node.catalog.dataNodes.filter(({ id }) => shard?.owners.includes(id) === false);
  const destination = others[below(random, others.length)];
  const sourceId = shard?.owners[below(random, shard.owners.length)];
  if (shard === undefined || destination === undefined || sourceId === undefined)
    throw new Error('there is nothing to move');
  const request = { shardId: shard.id, sourceId, destinationId: destination.id };
  await cluster.world.complete(cluster.copies.get(name)?.copy(request) ?? Promise.resolve());
  const giveUp = () => removed(cluster, { name, node, shardId: shard.id, nodeId: sourceId });
  return { what: `shard ${shard.id} went from node ${sourceId} to ${destination.id}`, giveUp };
}

async function removed(
  cluster: ClusterWorld,
  { name, node, shardId, nodeId }: { readonly name: string; readonly node: MetaNode; readonly shardId: number; readonly nodeId: number }, // prettier-ignore
): Promise<void> {
  const { env } = cluster.machine(name);
  await node.execute({ kind: 'remove-shard-owner', shardId, nodeId, nowNs: env.clock.wallNs() });
  const address = node.catalog.dataNodes.find(({ id }) => id === nodeId)?.tcpAddress ?? '';
  const rpc = new RpcClient(env.transport, node.membership);
  const request = { shardId, catalogIndex: node.catalog.index };
  await rpc.call(address, discardMethod, request, { deadlineMs: 5_000 });
}
