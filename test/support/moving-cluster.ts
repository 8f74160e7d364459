/**
 * Real meta and data nodes between which shards move under load: a client that remembers what was acknowledged, and a check that
 * owners, and they alone, have it afterwards.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DevCluster, eventually } from './dev-cluster.ts';

export const waitMs = 150_000;
const metaCount = 3;
const dayNs = 86_400_000_000_000n;
/** So that a node that died is not waited for by a client for ever. */
const giveUpMs = 20_000;
const replicaCount = 2;
/** A meta node that stands still answers nobody. */
const pingMsMax = 3_000;

export class MovingCluster {
  readonly cluster: DevCluster;
  readonly nodes: readonly number[];
  /** Times of points that were acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Those of them that both owners have acknowledged: levels quorum and all. */
  readonly acknowledgedByAll = new Set<string>();
  /** Milliseconds that each write of a load took. */
  readonly tookMs: number[] = [];
  readonly #offset: number;
  readonly #dayCount: bigint;
  #lastPoint = 0;

  constructor({
    offset,
    dataCount,
    dayCount,
    passiveCount = 0,
    dir,
  }: {
    readonly offset: number;
    readonly dataCount: number;
    readonly dayCount: number;
    /** Data nodes more that own no shard, after the others. */
    readonly passiveCount?: number;
    /** Left out: a folder of its own. */
    readonly dir?: string;
  }) {
    // prettier-ignore
    this.#offset = offset;
    this.#dayCount = BigInt(dayCount);
    this.nodes = Array.from({ length: dataCount + passiveCount }, (_, i) => i + 1);
    const more = dir === undefined ? [] : ['--dir', dir];
    this.cluster = new DevCluster(offset, '--metas', `${metaCount}`, '--data', `${dataCount}`, '--passive', `${passiveCount}`, ...more); // prettier-ignore
  }

  /** Database d keeps each day on two nodes. `from` is the tree of the release that is started. */
  async start(environment: Readonly<Record<string, string>>, from?: string): Promise<void> {
    await this.cluster.start(environment, from);
    const q = `CREATE DATABASE d WITH REPLICATION ${replicaCount} SHARD DURATION 1d`;
    const made = await this.cluster.query(1, q);
    if (made.includes('error')) throw new Error(made);
  }

  address(node: number): string {
    return `127.0.0.1:${8088 + this.#offset + 100 * (node - 1)}`;
  }

  /** Writes a few points of each day by a node; what is answered counts. */
  async write(node: number, pointCount: number, level = 'one'): Promise<boolean> {
    const times = Array.from({ length: pointCount }, () => {
      const number = ++this.#lastPoint;
      return `${(BigInt(number) % this.#dayCount) * dayNs + BigInt(number)}`;
    });
    const text = 'x'.repeat(200);
    const lines = times.map((time) => `m,c=c${BigInt(time) % 7n} f=1,s="${text}${time}" ${time}`);
    const url = `${this.cluster.url('data', node)}/write?db=d&consistency=${level}`;
    const signal = AbortSignal.timeout(giveUpMs);
    const answer = await fetch(url, { method: 'POST', body: lines.join('\n'), signal }).then(
      async (response) => {
        await response.text();
        return response.status;
      },
      () => 0,
    );
    if (answer !== 204) return false;
    for (const time of times) this.acknowledged.add(time);
    if (level === 'quorum' || level === 'all')
      for (const time of times) this.acknowledgedByAll.add(time);
    return true;
  }

  /** One write by each of these nodes in turn, at a rate and however long others take; what is answered ends it, with how many were sent. */
  steadyLoad(nodes: readonly number[], everyMs: number): () => Promise<number> {
    const sent: Promise<void>[] = [];
    const timed = async (node: number): Promise<void> => {
      const startMs = performance.now();
      await this.write(node, 20);
      this.tookMs.push(performance.now() - startMs);
    };
    const timer = setInterval(
      () => sent.push(timed(nodes[sent.length % nodes.length] ?? 0)),
      everyMs,
    );
    return async () => {
      clearInterval(timer);
      await Promise.all(sent);
      return sent.length;
    };
  }

  /** By one of these nodes after the other; what is answered ends it, with how many writes were acknowledged. */
  load(nodes: readonly number[], levels: readonly string[] = ['one']): () => Promise<number> {
    const ending = new AbortController();
    let count = 0;
    const run = (async () => {
      for (let i = 0; !ending.signal.aborted; i++) {
        const startMs = performance.now();
        if (await this.write(nodes[i % nodes.length] ?? 0, 20, levels[i % levels.length])) count++;
        this.tookMs.push(performance.now() - startMs);
      }
    })();
    return async () => {
      ending.abort();
      await run;
      return count;
    };
  }

  /** Data nodes by shard. */
  async owners(): Promise<ReadonlyMap<number, readonly number[]>> {
    const answer = await fetch(`${await this.metaUrl()}/show-shards`);
    const all = (await answer.json()) as { id: number; database: string; owners: { tcpAddr: string }[] }[]; // prettier-ignore
    const own = all.filter(({ database }) => database === 'd');
    const numberOf = (tcpAddress: string) => this.nodes.find((node) => this.address(node) === tcpAddress) ?? 0; // prettier-ignore
    return new Map(own.map((one) => [one.id, one.owners.map(({ tcpAddr }) => numberOf(tcpAddr)).sort()])); // prettier-ignore
  }

  /** Of a meta node that answers. */
  async metaUrl(): Promise<string> {
    for (let meta = 1; meta <= metaCount; meta++) {
      const url = this.cluster.url('meta', meta);
      const signal = AbortSignal.timeout(pingMsMax);
      const isUp = await fetch(`${url}/ping`, { signal }).then(({ ok }) => ok, () => false); // prettier-ignore
      if (isUp) return url;
    }
    throw new Error('no meta node answers');
  }

  /** The number of the meta node that leads. */
  async metaLeader(): Promise<number> {
    const leader = await (await fetch(`${await this.metaUrl()}/ping`)).text();
    const port = Number(leader.split(':')[1] ?? 0);
    const number = (port - 8089 - this.#offset) / 100 + 1;
    if (![1, 2, 3].includes(number)) throw new Error(`nobody leads: ${leader}`);
    return number;
  }

  /** Throws what influxd-ctl says when it fails. */
  async ctl(...args: readonly string[]): Promise<string> {
    const { host } = new URL(await this.metaUrl());
    const { code, text } = await this.cluster.ctl(['-bind', host, ...args]);
    if (code !== 0) throw new Error(text);
    return text;
  }

  /** Has shards moved, without a start of influxd-ctl, which takes as much of a processor as a node does under load. */
  async rebalance(): Promise<void> {
    // A meta node that does not lead sends on to the one that does.
    const answer = await fetch(`${await this.metaUrl()}/rebalance?action=run`, { method: 'POST' });
    const said = await answer.text();
    if (!answer.ok) throw new Error(said);
  }

  /** Resolves once the plan has ended. */
  async settled(): Promise<void> {
    await eventually(async () => {
      const said = await (await fetch(`${await this.metaUrl()}/rebalance`)).text();
      if (!said.includes('"state":"ended"')) throw new Error(said);
    }, waitMs);
  }

  /** Resolves once a meta node that was started again knows how the plan ended: until it hears of the leader it says what it knew when it died. */
  async caughtUp(meta: number): Promise<void> {
    const other = (meta % metaCount) + 1;
    await eventually(async () => {
      const [own, expected] = await Promise.all(
        [meta, other].map(async (of) =>
          (await fetch(`${this.cluster.url('meta', of)}/rebalance`)).text(),
        ),
      );
      if (own !== expected) throw new Error(own);
    }, waitMs);
  }

  /** What the plan's status is once it has ended. */
  async ended(): Promise<string> {
    await this.settled();
    return this.ctl('rebalance', 'status');
  }

  /** What was acknowledged and a node does not answer with, once it does answer: who it asks may have begun a moment ago. */
  async missing(node: number): Promise<readonly string[]> {
    let answer = '';
    await eventually(async () => {
      answer = await this.cluster.query(node, 'SELECT f FROM m');
      if (answer.slice(0, 200).includes('"error"')) throw new Error(`node ${node}: ${answer.slice(0, 200)}`); // prettier-ignore
    }, waitMs);
    const stored = new Set([...answer.matchAll(/\[(\d+),1\]/g)].map(([, time]) => time));
    return [...this.acknowledged].filter((time) => !stored.has(time));
  }

  /** Has every shard repaired whose owners differ. */
  async repairAll(): Promise<void> {
    await eventually(async () => {
      const shown = await this.ctl('entropy', 'show');
      for (const [, id = ''] of shown.matchAll(/^(\d+) .*(?:diff|missing)$/gm))
        await this.ctl('entropy', 'repair', id);
      if (shown.split('\n').slice(3).join('') !== '') throw new Error(shown);
    }, waitMs);
  }

  /** Throws unless each of these nodes answers with all, owners have the same points, and nobody else has any. */
  async check(nodes: readonly number[], away: readonly number[] = []): Promise<void> {
    for (const node of nodes)
      await eventually(async () => {
        const missing = await this.missing(node);
        if (missing.length > 0) throw new Error(`node ${node} lacks ${missing.length} points`);
      }, waitMs);
    await eventually(async () => {
      const shown = await this.ctl('entropy', 'show', '-v');
      if (shown.split('\n').slice(3).join('') !== '') throw new Error(shown);
    }, waitMs);
    // What a node owns no more goes behind.
    await eventually(async () => {
      for (const [shardId, owned] of await this.owners()) {
        const present = this.nodes.filter((node) => !away.includes(node));
        const held = present.filter((node) => this.#foldersOf(node, shardId) > 0);
        const isRight = owned.length === replicaCount && held.join() === owned.join();
        if (!isRight)
          throw new Error(`shard ${shardId} is of ${owned.join()} and on ${held.join()}`);
      }
    }, waitMs);
  }

  /** What a node has on its disk of a shard: itself, and what goes to and comes from others. */
  #foldersOf(node: number, shardId: number): number {
    const folder = join(this.cluster.dir, `data-${node}/data`);
    const names = readdirSync(folder, { recursive: true }) as string[];
    const pattern = new RegExp(`^d/autogen/${shardId}(\\.[^/]*)?$`);
    return names.filter((name) => pattern.test(name)).length;
  }
}

/** Shards of a node. */
export function ownedBy(
  owners: ReadonlyMap<number, readonly number[]>,
  node: number,
): readonly number[] {
  return [...owners].filter(([, nodes]) => nodes.includes(node)).map(([id]) => id);
}
