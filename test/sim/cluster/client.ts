import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/data-node.ts';
import { patienceMs, pickNode, type Admin } from './admin.ts';
import { checkAnswer } from './check-points.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { answeredRows, ask } from './read-rows.ts';
import { drawWrite } from './workload.ts';

/** Queries whose rows are all that the model knows of a measurement. */
export const rowsQueries = {
  m: 'SELECT f, i, b, s FROM m GROUP BY client, host',
  n: 'SELECT i FROM n',
} as const;

export interface Load {
  isOver: boolean;
  nextId: number;
  queryCount: number;
  readonly admin: Admin;
}

/** A query reads all there is, so that it costs more and more. */
const readShare = 0.03;

/** Writes and reads through any node that runs, one request after the other. */
export async function runClient(cluster: ClusterWorld, random: Random, load: Load): Promise<void> {
  const { clock } = cluster.machine('client').env;
  while (!load.isOver) {
    await clock.sleep(20 + below(random, 200));
    const node = pickNode(cluster, random);
    if (node === undefined) continue;
    // A crashed node never answers: the client gives up, and does not know.
    const patience = clock.sleep(patienceMs);
    const work = fraction(random) < readShare ? read(cluster, node, load) : write(cluster, node, { random, load }); // prettier-ignore
    await Promise.race([work, patience]);
  }
}

async function write(
  { history, knobs }: ClusterWorld,
  node: DataNode,
  { random, load }: { readonly random: Random; readonly load: Load },
): Promise<void> {
  const sideNames = load.admin.names;
  const side = fraction(random) < 0.05 ? sideNames[below(random, sideNames.length)] : undefined;
  const database = side ?? 'd';
  const nextId = () => load.nextId++;
  const { parts, body, level } = drawWrite(random, {
    weekCount: knobs.weekCount,
    database,
    replicaCount: side === undefined ? knobs.replicaCount : 2,
    hasRegisters: side === undefined,
    nextId,
  });
  for (const part of parts) history.ask(part);
  try {
    await node.writer.write({
      database,
      retentionPolicy: '',
      body: new TextEncoder().encode(body),
      stepNs: 1n,
      level,
      timeoutMs: 3_000,
    });
    for (const { id } of parts) history.acknowledged.set(id, node.meta.catalog.index);
  } catch {
    history.refusedCount++;
  }
}

async function read(cluster: ClusterWorld, node: DataNode, load: Load): Promise<void> {
  const error = await answerFault(cluster, node, 'm');
  if (error === undefined) load.queryCount++;
}

/** Asks for all of a measurement and checks the answer; gives the error's text when there was none. */
export async function answerFault(
  { history, world }: ClusterWorld,
  node: DataNode,
  measurement: keyof typeof rowsQueries,
): Promise<string | undefined> {
  const since = {
    measurement,
    ids: [...history.acknowledged.keys()].filter((id) => history.asked.get(id)?.database === 'd'),
    catalogIndex: node.meta.catalog.index,
  };
  const answer = await ask(node, rowsQueries[measurement], 'd');
  if (typeof answer === 'string') return answer;
  try {
    checkAnswer(history, answeredRows(answer), since);
  } catch (error) {
    world.fail(error);
  }
  return undefined;
}
