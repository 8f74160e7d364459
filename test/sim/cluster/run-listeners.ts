import { Config } from '../../../src/config/config.ts';
import { dataArrayKeys, dataKeys } from '../../../src/config/data-keys.ts';
import type { Env } from '../../../src/env/env.ts';
import { below } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { openListeners } from '../../../src/server/node/listeners/open-listeners.ts';
import type { SimSender } from '../world/sim-inbound.ts';
import { ClusterWorld } from './cluster-world.ts';
import { ask } from './read-rows.ts';
import { drained } from './run-seed.ts';

/** Bugs that a run has to find: a listener that does not hold its senders up, and one that counts what is not written yet. */
export const listenerPlants = ['senders-not-held', 'batches-told-early'] as const;
type ListenerPlant = (typeof listenerPlants)[number];

export interface ListenersResult {
  /** Of points. */
  readonly acknowledged: number;
  /** Times at which a sender had to wait. */
  readonly held: number;
}

const batchPoints = 5;
const pendingBatches = 2;
/** What may be held: the batches that wait, the one that is written, the one that is gathered, and a piece that was begun. */
const heldPointsMax = (pendingBatches + 2) * batchPoints + 4;
const roundCount = 12;
const configText = `[[graphite]]
enabled = true
database = "lines"
batch-size = ${batchPoints}
batch-pending = ${pendingBatches}
batch-timeout = "150ms"`;

/**
 * One node takes lines by TCP while it is cut off from the metas (and has no database yet), while messages are slow, while owners
 * are down, and is then killed. Rejects where a line that was taken is in no batch, or in two, or out of order; where the node
 * holds more than it says; and where a batch that was counted as written is not there.
 */
export async function runListeners(
  seed: number,
  { plant }: { readonly plant?: ListenerPlant } = {},
): Promise<ListenersResult> {
  const cluster = new ClusterWorld(seed);
  const { world } = cluster;
  const random = world.random('listeners');
  await cluster.form();
  const feed = await Feed.open(cluster, plant);
  const others = cluster.names.filter((name) => name !== 'd1');
  world.network.partition(['d1'], others);
  feed.send(3);
  await feed.pass(4_000);
  world.network.heal();
  for (let round = 0; round < roundCount; round++) {
    const dice = below(random, 3);
    if (dice === 0) cluster.crash(['d2', 'd3'][below(random, 2)] ?? '', 600);
    else for (const name of others) world.network.clog('d1', name, 100 + below(random, 1_200));
    for (let piece = 0; piece < 12; piece++) {
      feed.send(1 + below(random, 4));
      await feed.pass(below(random, 60));
    }
    await feed.pass(2_000);
    world.network.heal();
    await feed.pass(1_500);
  }
  feed.send(2);
  await feed.untilWritten();
  cluster.crash('d1', 500);
  await world.run(world.nowMs + 3_000);
  await drained(cluster);
  await feed.checkStored('d2');
  return { acknowledged: feed.acknowledged.length, held: feed.heldCount };
}

class Feed {
  readonly acknowledged: string[] = [];
  heldCount = 0;
  readonly #cluster: ClusterWorld;
  readonly #sent: string[] = [];
  readonly #batched: string[] = [];
  #number = 0;
  #sender: SimSender | undefined;

  private constructor(cluster: ClusterWorld) {
    this.#cluster = cluster;
  }

  static async open(cluster: ClusterWorld, plant: ListenerPlant | undefined): Promise<Feed> {
    const feed = new Feed(cluster);
    const keys = { keys: dataKeys, arrayKeys: dataArrayKeys };
    const config = Config.read({ text: configText, environment: {}, ...keys });
    const { world } = cluster;
    const { env } = cluster.machine('d1');
    const node = cluster.data.get('d1');
    if (node === undefined) throw new Error('d1 is down');
    const writer = { write: feed.#noting(plant === 'batches-told-early' ? toldEarly(node) : writing(node)) }; // prettier-ignore
    const inbound = plant === 'senders-not-held' ? notHolding(env.inbound) : env.inbound;
    const { meta, statistics } = node;
    await world.complete(openListeners(config, { ...env, inbound, meta, statistics, writer }));
    feed.#sender = world.doors.connect('d1', ':2003');
    return feed;
  }

  /** So many lines, as one piece. */
  send(count: number): void {
    let piece = '';
    for (let i = 0; i < count; i++) {
      const number = ++this.#number;
      piece += `m.k${number % 7} ${number} ${1_500_000_000 + number}\n`;
      this.#sent.push(`m.k${number % 7} value=${number} ${1_500_000_000 + number}000000000`);
    }
    this.#sender?.send(new TextEncoder().encode(piece));
  }

  /** Looks at what the node holds all the while. */
  async pass(durationMs: number): Promise<void> {
    const { world } = this.#cluster;
    const untilMs = world.nowMs + durationMs;
    while (world.nowMs < untilMs) {
      await world.run(Math.min(untilMs, world.nowMs + 20));
      if ((this.#sender?.waitingCount ?? 0) > 0) this.heldCount++;
      const { pointsRx = 0 } = await this.#counts();
      const heldCount = pointsRx - this.#batched.length;
      if (heldCount > heldPointsMax) throw new Error(`d1 holds ${heldCount} points, and may ${heldPointsMax}`); // prettier-ignore
    }
  }

  async untilWritten(): Promise<void> {
    const { world } = this.#cluster;
    const limitMs = world.nowMs + 60_000;
    while (this.#batched.length < this.#sent.length) {
      if (world.nowMs > limitMs) throw new Error(`${this.#batched.length} of ${this.#sent.length} points came`); // prettier-ignore
      await world.run(world.nowMs + 1);
    }
    if (this.#batched.join('\n') !== this.#sent.join('\n'))
      throw new Error('lines are not in just one batch each, in their order');
  }

  /** Through another node, whose owners have what was handed over by now. */
  async checkStored(name: string): Promise<void> {
    const { world, data } = this.#cluster;
    const node = data.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    const answer = await world.complete(ask(node, 'SELECT value FROM /.*/', 'lines'));
    if (typeof answer === 'string') throw new Error(answer);
    const stored = new Set<string>();
    for (const series of answer) {
      if (series.kind !== 'columns') continue;
      for (let row = series.start; row < series.end; row++) stored.add(`${series.timesNs[row]}`);
    }
    const lost = this.acknowledged.filter((line) => !stored.has(line.split(' ')[2] ?? ''));
    if (lost.length > 0) throw new Error(`${lost.length} points that were counted as written are lost`); // prettier-ignore
  }

  async #counts(): Promise<Readonly<Record<string, number>>> {
    const node = this.#cluster.data.get('d1');
    const read = await this.#cluster.world.complete(node?.statistics.read() ?? Promise.resolve([]));
    return read.find(({ name }) => name === 'graphite')?.values ?? {};
  }

  #noting(write: DataNode['writer']['write']): DataNode['writer']['write'] {
    return async (request) => {
      const lines = new TextDecoder().decode(request.body).trimEnd().split('\n');
      try {
        await write(request);
        this.acknowledged.push(...lines);
      } finally {
        this.#batched.push(...lines);
      }
    };
  }
}

function writing({ writer }: DataNode): DataNode['writer']['write'] {
  return (request) => writer.write(request);
}

/** The bug: a batch counts as written once it is on its way. */
function toldEarly({ writer }: DataNode): DataNode['writer']['write'] {
  return (request) => {
    writer.write(request).catch(() => undefined);
    return Promise.resolve();
  };
}

/** The bug: connections go on while there is no room. */
function notHolding(inbound: Env['inbound']): Env['inbound'] {
  return {
    listenDatagrams: (bind, receiver) => inbound.listenDatagrams(bind, receiver),
    listenConnections: (bind, accept) =>
      inbound.listenConnections(bind, (connection) =>
        accept({ ...connection, pause: () => undefined, resume: () => undefined }),
      ),
  };
}
