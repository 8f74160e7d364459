/**
 * Points that clients write once each, and delete again, while shards are moved, mended and brought to safety; and what has to be
 * left of each at the end:
 * - nothing is there that nobody wrote, no value is another one;
 * - a point that was acknowledged, and not only by an owner that loses things, is there, unless a delete that may be later means it;
 * - a point is gone, and stays so, once a delete was answered that is later than its write.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import { pickNode } from './admin.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { registerMeasurement } from './last-writes.ts';
import { ask } from './read-rows.ts';
import { epochNs, weekNs } from './workload.ts';

export interface PointLoadOptions {
  readonly database: string;
  readonly weekCount: number;
  readonly levels: readonly ConsistencyLevel[];
}

const patienceMs = 12_000;
const seriesCount = 5;
/** Between the points of two clients. */
const clientNs = 10_000_000;
/** Deletes begin at one of so many places, of which each has so many writes of a client. */
const blockCount = 30;
const writesPerBlock = 8;
/** Between two writes of a client. */
const writeNs = 10;

/** What is to be found of the load later on, as it is at one moment. */
export interface Mark {
  readonly acknowledged: ReadonlySet<string>;
  /** Deleted, and all owners have done it. */
  readonly gone: ReadonlySet<string>;
}

interface Written {
  readonly value: string;
  isAcknowledged: boolean;
}

/** Bounds that no other delete has, by which it is known at its owners. */
interface Deleted {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** All owners have done it, or will by what is kept for them. */
  isAnswered: boolean;
  /** All owners have done it. */
  isWhole: boolean;
}

export class PointLoad {
  readonly cluster: ClusterWorld;
  readonly #options: PointLoadOptions;
  readonly #written = new Map<string, Written>();
  readonly #deleted: Deleted[] = [];
  isOver = false;
  isPaused = false;
  /** Of the weeks that are written to. */
  firstWeek = 0;

  constructor(cluster: ClusterWorld, options: PointLoadOptions) {
    this.cluster = cluster;
    this.#options = options;
  }

  get acknowledged(): readonly string[] {
    return [...this.#written].flatMap(([key, { isAcknowledged }]) => (isAcknowledged ? [key] : []));
  }

  get deleteCount(): number {
    return this.#deleted.filter(({ isAnswered }) => isAnswered).length;
  }

  /** Writes a few points at a time by any node, until the load is over. */
  async write(random: Random, client: number): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    for (let i = 0; !this.isOver; i++) {
      await clock.sleep(below(random, 40));
      const node = pickNode(this.cluster, random);
      if (node === undefined || this.isPaused) continue;
      const { database, levels } = this.#options;
      const points = Array.from({ length: 1 + below(random, 4) }, (_, k) =>
        this.#draw(random, client * clientNs + i * writeNs + k),
      );
      const body = new TextEncoder().encode(points.map(({ line }) => line).join('\n'));
      const level = levels[below(random, levels.length)] ?? 'all';
      const request = { database, retentionPolicy: '', body, stepNs: 1n, level, timeoutMs: 5_000 } as const; // prettier-ignore
      const done = node.writer.write(request).then(() => true, () => false); // prettier-ignore
      const isDone = await Promise.race([done, clock.sleep(patienceMs).then(() => false)]);
      if (isDone) for (const { written } of points) written.isAcknowledged = true;
    }
  }

  #draw(random: Random, offsetNs: number): { readonly line: string; readonly written: Written } {
    const week = this.firstWeek + below(random, this.#options.weekCount - this.firstWeek);
    const timeNs = epochNs + BigInt(week) * weekNs + BigInt(offsetNs);
    const series = `${registerMeasurement},c=c${below(random, seriesCount)}`;
    const written = { value: `${offsetNs}`, isAcknowledged: false };
    this.#written.set(`${series} ${timeNs}`, written);
    return { line: `${series} v=${offsetNs}i ${timeNs}`, written };
  }

  /** Deletes what a client wrote some writes ago, in one series or in all, until the load is over. */
  async delete(random: Random, clientCount: number): Promise<void> {
    const { clock } = this.cluster.machine('client').env;
    for (let i = 1; !this.isOver; i++) {
      await clock.sleep(300 + below(random, 1_200));
      const node = pickNode(this.cluster, random);
      if (node === undefined) continue;
      const { database, weekCount } = this.#options;
      const startNs = epochNs + BigInt(below(random, weekCount)) * weekNs + BigInt(below(random, clientCount) * clientNs); // prettier-ignore
      // Never the bounds of another one.
      const minTimeNs =
        startNs + BigInt(below(random, blockCount) * writesPerBlock * writeNs) - BigInt(i);
      const maxTimeNs = minTimeNs + BigInt(2 * writesPerBlock * writeNs);
      const deleted: Deleted = { minTimeNs, maxTimeNs, isAnswered: false, isWhole: false };
      this.#deleted.push(deleted);
      const series = fraction(random) < 0.3 ? '' : ` AND c = 'c${below(random, seriesCount)}'`;
      const text = `DELETE FROM ${registerMeasurement} WHERE time >= ${minTimeNs} AND time <= ${maxTimeNs}${series}`; // prettier-ignore
      const late = clock.sleep(patienceMs).then(() => 'late');
      const answer = await Promise.race([ask(node, text, database).catch(() => 'failed'), late]);
      deleted.isWhole = typeof answer !== 'string';
      deleted.isAnswered = typeof answer !== 'string' || answer.startsWith('partial success');
    }
  }

  /** Whether it was done, and within the patience of who asked for it. */
  async orLate(work: Promise<unknown> | undefined): Promise<boolean> {
    const { clock } = this.cluster.machine('client').env;
    if (work === undefined) return false;
    const done = work.then(() => true, () => false); // prettier-ignore
    return Promise.race([done, clock.sleep(60_000).then(() => false)]);
  }

  /**
   * Throws when what `owner` has is not what it has to be. `isKept`: whether what that machine acknowledged stays with the shard; a
   * write or a delete that only others have may be lost with them.
   */
  check(
    owner: string,
    rows: ReadonlyMap<string, string>,
    { shardId, isKept }: { readonly shardId: number; readonly isKept: (name: string) => boolean },
  ): void {
    const { lastWrites } = this.cluster;
    for (const [key, text] of rows) {
      const point = this.#written.get(key);
      if (point === undefined) throw new Error(`${owner} has ${key}, which nobody wrote`);
      if (text !== `v=${point.value}i`)
        throw new Error(`${owner} has ${text} at ${key}, not ${point.value}`);
    }
    for (const [key, { isAcknowledged }] of this.#written) {
      // One that reached no owner is of none.
      const writtenTo = lastWrites.shardOf(key);
      if (writtenTo !== shardId && (writtenTo !== undefined || isAcknowledged)) continue;
      const fate = this.#fateOf(key, isKept);
      if (rows.has(key) && fate === 'gone')
        throw new Error(`${owner} has ${key}, which was deleted after it was written`);
      const isOwed = isAcknowledged && lastWrites.holdersOf(key).some(isKept);
      if (!rows.has(key) && isOwed && fate === 'stays')
        throw new Error(`${owner} lacks ${key}, which was acknowledged and is meant by no delete`);
    }
  }

  mark(): Mark {
    const isDone = ({ isWhole }: Deleted): boolean => isWhole;
    const gone = [...this.#written.keys()].filter((key) => this.#fateOf(key, anyone, isDone) === 'gone'); // prettier-ignore
    return { acknowledged: new Set(this.acknowledged), gone: new Set(gone) };
  }

  /** Throws when `rows`, all that there is of some time since `mark`, cannot be. */
  checkSince(what: string, rows: ReadonlyMap<string, string>, { acknowledged, gone }: Mark): void {
    for (const [key, text] of rows) {
      const point = this.#written.get(key);
      if (text !== `v=${point?.value}i`) throw new Error(`${what} has ${text} at ${key}, which nobody wrote`); // prettier-ignore
      if (gone.has(key)) throw new Error(`${what} has ${key}, which was deleted before`);
    }
    for (const key of acknowledged)
      if (!rows.has(key) && this.#fateOf(key, anyone) === 'stays')
        throw new Error(`${what} lacks ${key}, which was acknowledged before`);
  }

  #fateOf(
    key: string,
    isKept: (name: string) => boolean,
    counts: (said: Deleted) => boolean = ({ isAnswered }) => isAnswered,
  ): 'stays' | 'gone' | 'unclear' {
    const { lastWrites } = this.cluster;
    const stamp = lastWrites.firstStamp(key);
    const deletes = lastWrites.deletesOf(key).filter((one) => stamp === undefined || one.stamp > stamp); // prettier-ignore
    if (deletes.length === 0) return 'stays';
    const isDone = deletes.some(
      (one) =>
        one.isDurable && isKept(one.node) && this.#deleted.some((said) => counts(said) && said.minTimeNs === one.minTimeNs && said.maxTimeNs === one.maxTimeNs), // prettier-ignore
    );
    return isDone ? 'gone' : 'unclear';
  }
}

const anyone = (): boolean => true;
