import { below, fraction, type Random } from '../../../src/env/random.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import { everyone } from '../../../src/data/statements/principal.ts';
import type { DataNode } from '../../../src/server/data-node.ts';
import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import type { FaultCounts } from '../world/faults.ts';
import { checkAnswer, checkStored, storedTimes } from './check-points.ts';
import { MetaChecker } from './check-metas.ts';
import { ClusterWorld, dataNames, metaNames } from './cluster-world.ts';
import type { Plant } from './plants.ts';

export interface SeedResult {
  readonly acknowledged: number;
  readonly refused: number;
  readonly queries: number;
  readonly simulatedMs: number;
  readonly faults: FaultCounts;
  readonly traceHash: string;
}

export interface SeedOptions {
  readonly plant?: Plant | undefined;
  /** How long faults go on. */
  readonly faultsMs?: number;
  readonly onTrace?: (line: string) => void;
}

const levels: readonly ConsistencyLevel[] = ['any', 'one', 'quorum', 'all', 'all'];
const weekNs = 604_800_000_000_000n;
const epochNs = 1_700_000_000_000_000_000n;
const clientPatienceMs = 12_000;

/** One run: a cluster forms, clients write and read while things break, all heals, and the promises are checked. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { plant, onTrace } = options;
  const cluster = new ClusterWorld(seed, { plant, ...(onTrace !== undefined && { onTrace }) });
  const { world, history } = cluster;
  await cluster.form();
  const random = world.random('run');
  const run = { isOver: false, nextId: 1, queries: 0 };
  for (let i = 0; i < 4; i++) {
    world.spawn(cluster.machine('client'), () => client(cluster, random.fork(`client/${i}`), run));
  }
  const checker = new MetaChecker();
  const endMs = world.nowMs + (options.faultsMs ?? 60_000);
  while (world.nowMs < endMs) {
    strike(cluster, random);
    const untilMs = world.nowMs + 300 + below(random, 1_500);
    while (world.nowMs < untilMs) {
      await world.run(world.nowMs + 100);
      checker.check(cluster.metas);
    }
  }
  calm(cluster);
  await world.run(world.nowMs + 8_000);
  run.isOver = true;
  await world.run(world.nowMs + clientPatienceMs + 3_000);
  for (const name of [...metaNames, ...dataNames])
    if (!cluster.metas.has(name) && !cluster.data.has(name)) throw new Error(`${name} did not come back`); // prettier-ignore
  checker.check(cluster.metas);
  const stored = new Map<string, ReadonlySet<bigint>>();
  for (const [name, node] of cluster.data)
    stored.set(name, await world.complete(storedTimes(node.local)));
  checkStored(history, stored);
  for (const node of cluster.data.values()) {
    const ids = [...history.acknowledged.keys()];
    const answer = await world.complete(answerTimes(node));
    if (typeof answer === 'string')
      throw new Error(`a query of a healed cluster failed: ${answer}`);
    checkAnswer(history, answer, { ids, catalogIndex: node.meta.catalog.index });
  }
  return {
    acknowledged: history.acknowledged.size,
    refused: history.refusedCount,
    queries: run.queries,
    simulatedMs: world.nowMs,
    faults: world.faultCounts,
    traceHash: world.traceHash(),
  };
}

async function client(
  cluster: ClusterWorld,
  random: Random,
  run: { isOver: boolean; nextId: number; queries: number },
): Promise<void> {
  const { clock } = cluster.machine('client').env;
  while (!run.isOver) {
    await clock.sleep(20 + below(random, 200));
    const node = cluster.data.get(dataNames[below(random, dataNames.length)] ?? '');
    if (node === undefined) continue;
    // A crashed node never answers: the client gives up, and does not know.
    const patience = clock.sleep(clientPatienceMs);
    const work = fraction(random) < 0.1 ? read(cluster, node, run) : write(cluster, node, { random, id: run.nextId++ }); // prettier-ignore
    await Promise.race([work, patience]);
  }
}

async function write(
  { history }: ClusterWorld,
  node: DataNode,
  { random, id }: { readonly random: Random; readonly id: number },
): Promise<void> {
  const week = BigInt(below(random, 6));
  const count = 1 + below(random, 20);
  const timesNs = Array.from({ length: count }, (_, k) => epochNs + week * weekNs + BigInt(id * 1_000 + k)); // prettier-ignore
  const level = levels[below(random, levels.length)] ?? 'one';
  history.ask({ id, timesNs, level });
  const tags = `client=c${below(random, 5)}`;
  const body = new TextEncoder().encode(timesNs.map((timeNs) => `m,${tags} f=${id}i ${timeNs}`).join('\n')); // prettier-ignore
  try {
    const place = { database: 'd', retentionPolicy: '' };
    await node.writer.write({ ...place, body, stepNs: 1n, level, timeoutMs: 3_000 });
    history.acknowledged.set(id, node.meta.catalog.index);
  } catch {
    history.refusedCount++;
  }
}

async function read(
  { history, world }: ClusterWorld,
  node: DataNode,
  run: { queries: number },
): Promise<void> {
  const ids = [...history.acknowledged.keys()];
  const catalogIndex = node.meta.catalog.index;
  const answer = await answerTimes(node);
  if (typeof answer === 'string') return;
  run.queries++;
  try {
    checkAnswer(history, answer, { ids, catalogIndex });
  } catch (error) {
    world.fail(error);
  }
}

/** Times of all points as a client of this node gets them, or the error's text. */
async function answerTimes(node: DataNode): Promise<ReadonlySet<bigint> | string> {
  const request = {
    statements: parseQuery('SELECT f FROM m'),
    database: 'd',
    retentionPolicy: '',
    principal: everyone,
    isReadOnly: true,
    bucketsMax: 0,
    timeoutMs: 0,
    signal: new AbortController().signal,
  };
  const times = new Set<bigint>();
  for await (const result of node.executor.execute(request)) {
    if (result.error !== undefined) return result.error;
    for (const series of result.series) {
      if (series.kind !== 'columns') continue;
      for (let i = series.start; i < series.end; i++) times.add(series.timesNs[i] ?? 0n);
    }
  }
  return times;
}

/** Breaks one thing, or mends one. */
function strike(cluster: ClusterWorld, random: Random): void {
  const { world } = cluster;
  const names = [...metaNames, ...dataNames];
  const name = names[below(random, names.length)] ?? 'd1';
  const other = names[below(random, names.length)] ?? 'd2';
  const dice = fraction(random);
  if (dice < 0.25) cluster.crash(name, 200 + below(random, 4_000));
  else if (dice < 0.4) {
    const cut = names.filter(() => fraction(random) < 0.4);
    const rest = names.filter((one) => !cut.includes(one));
    world.network.partition(cut, rest, { oneWay: fraction(random) < 0.3 });
    world.schedule(500 + below(random, 4_000), () => {
      world.network.heal();
    });
  } else if (dice < 0.5 && name !== other)
    world.network.clog(name, other, 50 + below(random, 1_500));
  else if (dice < 0.6) {
    const rates = { loss: 0.02, duplicate: 0.05, reorder: 0.1, delayMaxMs: 20 };
    world.network.setRates(fraction(random) < 0.5 ? rates : { loss: 0, duplicate: 0, reorder: 0 });
  } else if (dice < 0.7) cluster.machine(name).clock.jump(below(random, 4_000) - 2_000);
  else if (dice < 0.78) cluster.machine(name).drive.ioErrorRate = 0.002;
  else cluster.machine(name).drive.ioErrorRate = 0;
}

function calm(cluster: ClusterWorld): void {
  const { world } = cluster;
  world.network.heal();
  world.network.setRates({ loss: 0, duplicate: 0, reorder: 0, delayMaxMs: 1 });
  for (const name of [...metaNames, ...dataNames]) {
    cluster.machine(name).drive.ioErrorRate = 0;
    // A node whose log has failed refuses writes until it is started anew.
    cluster.crash(name, 100);
  }
}
