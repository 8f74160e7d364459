/**
 * A log of many shards, keys of up to 60 KB, deletes and shards that are gone, read while shards open in the middle of it: power goes, and goes
 * again in the middle of starts. What reads memory of the kernel after a shard was opened with it loses points here.
 */
import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { batchOf, deleteOf, kept, openStore, readSeries, type StoreKnobs } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { must } from '../../../base/assert.ts';
import { Prng } from '../../../base/prng.ts';
import type { Store } from '../store.ts';

const rounds = 2;
const seriesCount = 14;
const keyLengths = [0, 30, 300, 4_200, 20_000, 45_000, 60_000];
const absent = '-';

/** What each point of a shard may be, by its series and time: more than one value where the power went meanwhile. */
type Points = Map<string, Set<string>>;

class Walk {
  readonly #random: Prng;
  readonly #node: SimNode;
  readonly #world: World;
  readonly #shards = new Map<number, Points>();
  /** Also those whose delete nobody has acknowledged. */
  readonly #gone = new Set<number>();
  readonly #shardsMax: number;
  #lanes = 1;
  #valueCount = 0;

  constructor(seed: number) {
    this.#random = Prng.fromSeed(seed);
    this.#world = new World(seed);
    this.#node = this.#world.addNode('a', { zeroTailRate: this.#below(2) * 0.3 });
    this.#shardsMax = this.#oneOf([3, 20, 80, 300]);
  }

  async run(): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (let starts = this.#below(4); starts > 0; starts--)
        await this.#losePowerAfter(1 + this.#below(120));
      await this.#losePowerAfter(200 + this.#below(1_500));
      await this.#check();
    }
  }

  async #losePowerAfter(calls: number): Promise<void> {
    const [world, node] = [this.#world, this.#node];
    node.drive.afterCalls(calls, () => {
      node.crash();
    });
    this.#lanes = 1 + this.#below(3);
    world.spawn(node, async ({ disk, clock }) => {
      const store = await openStore(disk, clock, this.#knobs());
      const lanes = Array.from({ length: this.#lanes }, (_, lane) => this.#work(store, lane));
      await Promise.all(lanes);
      await store.close();
    });
    await world.run(world.nowMs + 60_000);
    if (node.isAlive) node.crash();
    node.restart();
  }

  /** Each lane has shards of its own, so that what it asks for comes one after the other. */
  async #work(store: Store, lane: number): Promise<void> {
    for (let steps = 20 + this.#below(100); steps > 0; steps--) {
      const shardId = this.#shardOf(lane);
      const dice = this.#below(100);
      if (dice < 55) await this.#write(store, shardId, { pointsMax: 3, isLarge: false });
      else if (dice < 75) await this.#write(store, shardId, { pointsMax: 6, isLarge: true });
      else if (dice < 83) await this.#delete(store, shardId);
      else if (dice < 90) await store.flush(shardId);
      else if (dice < 94) await store.compact(shardId);
      else if (dice < 96) {
        this.#gone.add(shardId);
        await store.deleteShard(shardId);
      } else await this.#checkShard(store, shardId);
    }
  }

  async #write(
    store: Store,
    shardId: number,
    { pointsMax, isLarge }: { readonly pointsMax: number; readonly isLarge: boolean },
  ): Promise<void> {
    const points = this.#pointsOf(shardId);
    const values = new Map<string, string>();
    for (let i = this.#below(pointsMax); i >= 0; i--) {
      const series = isLarge ? this.#below(seriesCount) : this.#below(3);
      values.set(`${seriesText(series)} ${1 + this.#below(50)}`, String(++this.#valueCount));
    }
    const lines = [...values].map(([point, value]) => point.replace(/ (?=\d+$)/, ` v=${value}i `));
    for (const [point, value] of values)
      points.set(point, new Set([...(points.get(point) ?? [absent]), value]));
    await store.write({ ...kept, shardId }, batchOf(lines.join('\n')));
    for (const [point, value] of values) points.set(point, new Set([value]));
  }

  async #delete(store: Store, shardId: number): Promise<void> {
    const points = this.#pointsOf(shardId);
    const series = seriesText(this.#below(seriesCount));
    const [minTime = 0, maxTime = 0] = [this.#below(60), this.#below(60)].sort((a, b) => a - b);
    const isMeant = (point: string): boolean => {
      const [own = '', time] = point.split(' ');
      return own === series && Number(time) >= minTime && Number(time) <= maxTime;
    };
    const meant = [...points.keys()].filter(isMeant);
    for (const point of meant) points.get(point)?.add(absent);
    const range = { minTimeNs: BigInt(minTime), maxTimeNs: BigInt(maxTime) };
    const { select } = deleteOf(series, range, 1n);
    await store.deletePoints(shardId, { select, range });
    for (const point of meant) points.set(point, new Set([absent]));
  }

  async #check(): Promise<void> {
    const { disk, clock } = this.#node.env;
    for (const id of this.#gone) this.#shards.delete(id);
    const store = await this.#world.complete(openStore(disk, clock, this.#knobs()));
    for (const shardId of this.#shards.keys())
      await this.#world.complete(this.#checkShard(store, shardId));
    await this.#world.complete(store.close());
  }

  /** From then on each point is what it was found to be. */
  async #checkShard(store: Store, shardId: number): Promise<void> {
    await store.whenOpen([shardId]);
    const points = this.#pointsOf(shardId);
    const found = foundIn(store, shardId);
    for (const [point, mayBe] of points) {
      const value = found.get(point) ?? absent;
      const is = `shard ${shardId}: ${shown(point)} is ${value}`;
      expect(mayBe.has(value), `${is}, may be ${[...mayBe].join()}`).toBe(true);
      points.set(point, new Set([value]));
    }
    for (const point of found.keys())
      expect(points.has(point), `shard ${shardId} has ${shown(point)}`).toBe(true);
  }

  #knobs(): StoreKnobs {
    return {
      segmentBytesMax: this.#oneOf([700, 50_000, 400_000, 1 << 22]),
      snapshotBytes: this.#oneOf([60_000, 1 << 20, 1 << 24]),
      // Small ones have shards open while the log is read.
      memtablesBytesMax: this.#oneOf([3_000, 60_000, 400_000, 1 << 24]),
      queueBytesMax: 1 << 24,
      opensBehind: this.#below(5) > 0,
      opensLatest: this.#below(5),
    };
  }

  #pointsOf(shardId: number): Points {
    const points = this.#shards.get(shardId) ?? new Map<string, Set<string>>();
    this.#shards.set(shardId, points);
    return points;
  }

  #shardOf(lane: number): number {
    for (let more = 3; ; more++) {
      const shardId = 1 + this.#gone.size + this.#below(this.#shardsMax + more);
      if (shardId % this.#lanes === lane && !this.#gone.has(shardId)) return shardId;
    }
  }

  #oneOf(list: readonly number[]): number {
    return must(list[this.#below(list.length)], 'one of them');
  }

  #below(count: number): number {
    return this.#random.u32() % count;
  }
}

function seriesText(number: number): string {
  return `m${number % 2},h=${'x'.repeat(keyLengths[number % keyLengths.length] ?? 0)}${number}`;
}

function foundIn(store: Store, shardId: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const view = store.view(shardId);
  if (view === undefined) return found;
  for (const measurement of ['m0', 'm1'])
    for (const seriesId of finished(view.seriesIds(measurement)))
      for (const { time, value } of readSeries(view, seriesId, 'v'))
        found.set(`${view.seriesKey(seriesId)} ${time}`, value);
  view.release();
  return found;
}

function shown(point: string): string {
  return point.replace(/x+/, (letters) => `x*${letters.length}`);
}

test.each([1, 2, 3, 4])(
  'opening: all acknowledged points are there, whatever opens while the log is read and wherever the power goes (seed %i)',
  async (seed) => {
    await new Walk(seed).run();
  },
  60_000,
);
