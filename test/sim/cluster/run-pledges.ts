import { everyone } from '../../../src/data/statements/principal.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { answerFormat } from '../../../src/http/data/answers/answer-format.ts';
import { startWhole } from '../../../src/http/data/answers/start-whole.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { World } from '../world/world.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';

export interface PledgeRun {
  /** Answers that had to have the series that was acknowledged a moment before. */
  readonly checked: number;
  /** Those that a node gave without a call, though another one has shards. */
  readonly unasked: number;
}

const roundCount = 16;
const lateCount = 3;
/** Each node has some of them: an answer without the shard of one that is away lacks some. */
const hosts = Array.from({ length: 24 }, (_, i) => `h${i}`);
/** More than nodes are quiet after a change. */
const quietMs = 1_200;
/** An answer is kept when it is asked for again, and given the third time. */
const askedCount = 3;
/** What is cut off heals then: questions that wait for it fail before. */
const healMs = 3_000;
/** A write that failed is tried again. */
const againMs = 100;
/** Enough to write, and less than pledges last. */
const cutShortMs = 10;
/** What was lost on its way is not waited for. */
const askLimitMs = 6_000;
const format = answerFormat('application/json', { epochUnitNs: undefined, pretty: false });

/**
 * Rejects where a node leaves out a series that was acknowledged before it was asked, by the word that another node gave it: while
 * nodes are cut off from each other, messages are late, clocks jump, and the one that gave its word is killed and comes back.
 * `isCutShort`: each time while it writes.
 */
export async function runPledges(
  seed: number,
  options: { readonly plant?: Plant; readonly isCutShort?: boolean } = {},
): Promise<PledgeRun> {
  const cluster = new ClusterWorld(seed, options);
  const { world } = cluster;
  const random = world.random('pledges');
  await cluster.form();
  const text = 'CREATE DATABASE once WITH DURATION INF REPLICATION 1 SHARD DURATION 5200w';
  await world.complete(ask(anyOf(cluster, random)[1], text, ''));
  await world.run(world.nowMs + 1_000);
  for (const host of hosts) await world.complete(write(anyOf(cluster, random)[1], host));
  const counts = { checked: 0, unasked: 0 };
  for (let round = 0; round < roundCount; round++) {
    world.network.heal();
    await world.run(world.nowMs + quietMs + below(random, 1_000));
    // Several, as one of them is likely to be of the node that is broken.
    const late = Array.from({ length: lateCount }, (_, i) => `late${round}x${i}`);
    for (const series of late) {
      for (let time = 0; time < askedCount; time++)
        for (const name of [...cluster.data.keys()])
          for (const question of questionsOf(series)) await asked(cluster, name, question);
      counts.unasked += await unaskedOf(cluster, series);
    }
    const broken = options.isCutShort === true ? await cutShort(cluster, late, random) : breakSomething(cluster, random); // prettier-ignore
    const writer = await world.complete(writerOf(cluster, broken ?? anyOf(cluster, random)[0]));
    const checked = await world.complete(Promise.all(late.map((series) => writtenAndSeen(cluster, writer, series)))); // prettier-ignore
    counts.checked += checked.reduce((sum, one) => sum + one, 0);
  }
  cluster.end();
  return counts;
}

/** The first one of lists, the second one of shares of an answer. */
function questionsOf(series: string): readonly string[] {
  return ['SHOW TAG VALUES FROM m WITH KEY = host', `SELECT v FROM m WHERE host = '${series}'`];
}

/** How many questions were answered without a call of the node. */
async function unaskedOf(cluster: ClusterWorld, series: string): Promise<number> {
  let count = 0;
  for (const [name, node] of cluster.data)
    for (const question of questionsOf(series)) {
      const before = await callsOf(cluster, node);
      await asked(cluster, name, question);
      if ((await callsOf(cluster, node)) === before) count++;
    }
  return count;
}

async function callsOf({ world }: ClusterWorld, { statistics }: DataNode): Promise<number> {
  const all = await world.complete(statistics.read());
  return all.find(({ name }) => name === 'rpc')?.values['rpcCalls'] ?? 0;
}

function anyOf({ data }: ClusterWorld, random: Random): readonly [string, DataNode] {
  const nodes = [...data];
  return nodes[random.u32() % nodes.length] ?? fail('no node is up');
}

/** The node that was cut off or killed, if one was. */
function breakSomething(cluster: ClusterWorld, random: Random): string | undefined {
  const { world, data } = cluster;
  const { network } = world;
  const [name] = anyOf(cluster, random);
  const others = [...data.keys()].filter((one) => one !== name);
  const dice = fraction(random);
  world.schedule(healMs, () => {
    network.heal();
  });
  if (dice < 0.4) network.partition([name], others, { oneWay: fraction(random) < 0.5 });
  else if (dice < 0.55) for (const other of others) network.clog(name, other, below(random, 1_500));
  else if (dice < 0.7)
    for (const one of data.keys()) cluster.machine(one).clock.jump(below(random, 4_000) - 2_000); // prettier-ignore
  else if (dice < 0.85) {
    // The others do not hear of it, maybe.
    if (fraction(random) < 0.2) network.partition([name], others);
    cluster.crash(name, 1);
    return name;
  }
  return undefined;
}

/** The node that wrote the series, told nobody of it as it was cut off, and was killed before it acknowledged them. */
async function cutShort(
  cluster: ClusterWorld,
  late: readonly string[],
  random: Random,
): Promise<string> {
  const { world, data } = cluster;
  const [name, node] = anyOf(cluster, random);
  const others = [...data.keys()].filter((one) => one !== name);
  world.network.partition([name], others);
  for (const series of late) write(node, series).catch(() => undefined);
  await world.run(world.nowMs + cutShortMs);
  cluster.crash(name, 1);
  world.network.heal();
  return name;
}

/** One that comes back from a crash is waited for. */
async function writerOf(cluster: ClusterWorld, name: string): Promise<DataNode> {
  const { clock } = cluster.machine('client').env;
  for (;;) {
    const node = cluster.data.get(name);
    if (node !== undefined) return node;
    await clock.sleep(1);
  }
}

/** Writes a series, and asks all nodes as soon as that is acknowledged. */
async function writtenAndSeen(
  cluster: ClusterWorld,
  writer: DataNode,
  series: string,
): Promise<number> {
  const { world, data } = cluster;
  const { clock } = cluster.machine('client').env;
  for (;;) {
    try {
      await write(writer, series);
      break;
    } catch {
      await clock.sleep(againMs);
    }
  }
  const answers = [...data].flatMap(([name, node]) =>
    questionsOf(series).map(async (question) => ({ name, question, answer: await answerOf(world, node, question) }))); // prettier-ignore
  let count = 0;
  for (const { name, question, answer } of await Promise.all(answers)) {
    // Who cannot ask says so, or lists what is there.
    const isPartial = question.startsWith('SHOW') && hosts.some((host) => !answer.includes(`"${host}"`)); // prettier-ignore
    if (answer.includes('"error"') || isPartial) continue;
    if (!answer.includes(question.startsWith('SHOW') ? `"${series}"` : '"values"'))
      throw new Error(
        `${question} at ${name} is ${answer.trim()} though ${series} was acknowledged`,
      );
    count++;
  }
  return count;
}

function write({ writer }: DataNode, series: string): Promise<void> {
  const body = new TextEncoder().encode(`m,host=${series} v=1 1`);
  return writer.write({ database: 'once', retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 }); // prettier-ignore
}

function asked(cluster: ClusterWorld, name: string, question: string): Promise<string> {
  const node = cluster.data.get(name) ?? fail(`${name} is down`);
  return cluster.world.complete(answerOf(cluster.world, node, question));
}

const statements = new Map<string, ReturnType<typeof parseQuery>>();

/** As a client gets it: by workers themselves where they answer so. */
async function answerOf(world: World, { executor }: DataNode, question: string): Promise<string> {
  // Known texts give the same statements again.
  const parsed = statements.get(question) ?? parseQuery(question);
  statements.set(question, parsed);
  const { clock } = (world.nodes[0] ?? fail('no machine')).env;
  const ending = new AbortController();
  world.schedule(askLimitMs, () => {
    ending.abort(new DbError('timeout', 'nobody answers'));
  });
  const request = {
    ...{ statements: parsed, database: 'once', retentionPolicy: '', principal: everyone },
    ...{ isReadOnly: true, bucketsMax: 0, timeoutMs: 0, signal: ending.signal },
  };
  try {
    const heldBytesMax = 1 << 20;
    const own = await executor.answer({ ...request, heldBytesMax }, { epochUnitNs: 1n });
    if (own?.kind === 'whole') return own.bytes.toString();
    if (own !== undefined) return Buffer.concat(own.taken).toString();
    const answer = await startWhole(request, format, { ports: { executor, clock }, rowsMax: 0 });
    return answer.kind === 'whole' ? answer.bytes.toString() : fail('a short answer expected');
  } catch (error) {
    return JSON.stringify({ error: String(error) });
  }
}

function fail(text: string): never {
  throw new Error(text);
}
