import { below, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';

const roundCount = 10;
const hostCount = 12;
/** What an owner answers is on its way for so long. */
const clogMs = 8_000;
/** A query that was killed ends within this. */
const endMsMax = 1_000;
const question = 'SELECT v FROM p';

export interface KillsResult {
  readonly killed: number;
  /** Nodes that were told to kill a query of another node. */
  readonly remote: number;
}

/**
 * A query waits for an owner whose words are held up, and is killed through any node, at any moment of its planning or of its
 * answer: it ends within a second, and no node shows it any more. Rejects where one goes on, or where SHOW QUERIES takes longer.
 */
export async function runKills(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<KillsResult> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('kills');
  await cluster.form();
  const nodes = [...cluster.data];
  const first = pick(nodes, random)[1];
  await world.complete(ask(first, 'CREATE DATABASE k WITH DURATION INF REPLICATION 1', ''));
  await world.run(world.nowMs + 1_000);
  const lines = Array.from({ length: hostCount }, (_, i) => `p,host=h${i} v=${i}i ${i + 1}`);
  const body = new TextEncoder().encode(lines.join('\n'));
  await world.complete(first.writer.write({ database: 'k', retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 })); // prettier-ignore
  let remote = 0;
  for (let round = 0; round < roundCount; round++) {
    const target = pick(nodes, random);
    const killer = pick(nodes, random);
    if (killer !== target) remote++;
    await killOne(cluster, { target, killer, afterMs: 5 + below(random, 600) });
    world.network.heal();
    await world.run(world.nowMs + 2 * clogMs);
  }
  return { killed: roundCount, remote };
}

type Named = readonly [name: string, node: DataNode];

function pick(nodes: readonly Named[], random: Random): Named {
  const found = nodes[below(random, nodes.length)];
  if (found === undefined) throw new Error('no node');
  return found;
}

async function killOne(
  { world, data }: ClusterWorld,
  round: { readonly target: Named; readonly killer: Named; readonly afterMs: number },
): Promise<void> {
  const { target, killer, afterMs } = round;
  const [name, node] = target;
  const others = [...data].filter(([other]) => other !== name);
  const watcher = others.find(([other]) => other === killer[0]) ?? others[0];
  if (watcher === undefined) throw new Error('no other node');
  // What the watcher says gets there: it asks what runs, and kills. The others are held up.
  for (const [other] of others) if (other !== watcher[0]) world.network.clog(other, name, clogMs);
  let ended: string | undefined;
  const outcome = (): string | undefined => ended;
  void ask(node, question, 'k').then((answer) => {
    ended = typeof answer === 'string' ? answer : 'an answer';
  });
  await world.run(world.nowMs + afterMs);
  if (outcome() !== undefined) throw new Error(`a query ended before it was killed: ${outcome()}`);
  const [id] = await world.complete(shownAt(watcher[1]));
  const killed = await world.complete(ask(killer[1], `KILL QUERY ${id} ON "${name}:8088"`, ''));
  if (typeof killed === 'string') throw new Error(`KILL QUERY failed: ${killed}`);
  await world.run(world.nowMs + endMsMax);
  const text = outcome();
  if (text === undefined) throw new Error(`a query of ${name} goes on after it was killed`);
  if (text !== 'query interrupted') throw new Error(`a query that was killed ended with ${text}`);
  const left = await world.complete(shownAt(watcher[1]));
  if (left.length > 0) throw new Error(`${name} shows a query that was killed`);
  // Of nodes that are silent nobody waits longer for their queries either.
  for (const [other] of data) if (other !== watcher[0]) world.network.clog(other, watcher[0], clogMs); // prettier-ignore
  const askedMs = world.nowMs;
  await world.complete(shownAt(watcher[1]));
  if (world.nowMs > askedMs + endMsMax) throw new Error(`SHOW QUERIES took ${world.nowMs - askedMs} ms while nodes are silent`); // prettier-ignore
}

/** Numbers of the queries of all nodes that read points. */
async function shownAt(node: DataNode): Promise<readonly string[]> {
  const answer = await ask(node, 'SHOW QUERIES', '');
  if (typeof answer === 'string') throw new Error(`SHOW QUERIES failed: ${answer}`);
  const rows = answer.flatMap((series) => (series.kind === 'rows' ? series.rows : []));
  return rows.filter((row) => row.includes(question)).map(([id]) => String(id));
}
