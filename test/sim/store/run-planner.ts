/**
 * A shard that the store's own planner compacts, level by level, and as a whole when it is cold, into files that are small and often
 * several: it is written to (late too, and many points at once), deleted from, copied to another shard and back by its files, and started
 * anew, while the disk fails calls and the power goes at any of them. Whatever is read of it, in each way there is, is what was
 * acknowledged, and of what was cut off, or failed, all or nothing; and once it is left alone its compactions come to an end.
 */
import { isDbError } from '../../../src/base/errors.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { Log } from '../../../src/env/log.ts';
import { makeStamp, stampBatch } from '../../../src/models/stamp.ts';
import type { CompactionSettings } from '../../../src/storage/store/store-options.ts';
import type { Store } from '../../../src/storage/store/store.ts';
import { batchOf, deleteOf, kept, openStore } from '../../support/store-script.ts';
import { World, type SimNode } from '../world/world.ts';
import { leftoversOf, shardFolder } from './check-store.ts';
import { FailingCalls, madeToFail } from './failing-calls.ts';
import { heldInWays } from './held-in-ways.ts';
import { fields, rangeOf, timeOf, valueLine, valueText } from './odd-values.ts';
import { plantedDisk, plantedKernel, type StorePlant } from './plants-store.ts';
import { StoreLedger } from './store-ledger.ts';
import { keyOf, type Held, type Line, type Said } from './store-model.ts';

export interface PlannerRunOptions {
  readonly plant?: StorePlant | undefined;
  /** How often the power goes. */
  readonly crashes?: number;
}

/** How often each came to its end. */
export interface PlannerCounts {
  write: number;
  late: number;
  delete: number;
  flush: number;
  /** Compactions, by the level of what they made. */
  level2: number;
  level3: number;
  level4: number;
  restart: number;
  copy: number;
  swap: number;
  crash: number;
  cutOff: number;
  failed: number;
  /** 1 where the run ended early, as nobody could tell which of two values was the later one. */
  unclear: number;
}

const stepsAtMost = 60;
const callsAtMost = 1_200;
const failingCallsAtMost = 40;
const measurements = ['m', 'n'] as const;
const tags = ['a', 'b', 'c', undefined] as const;
/** That a write of all series and fields has. */
const allTimesMax = 14;
const lifeMs = 10_000_000;
/** So long the shard is left alone at last: compactions of it end before. */
const restMs = 60_000;
const copied = { ...kept, shardId: 8 };
const unclearTexts = ['Late values whose order is not known', 'A delete was late'];

type Step = (store: Store) => Promise<void>;

export function runPlanner(seed: number, options: PlannerRunOptions = {}): Promise<PlannerCounts> {
  return new PlannerRun(seed, options).run();
}

class PlannerRun {
  readonly #options: PlannerRunOptions;
  readonly #world: World;
  readonly #node: SimNode;
  readonly #random: Random;
  readonly #counts: PlannerCounts = { write: 0, late: 0, delete: 0, flush: 0, level2: 0, level3: 0, level4: 0, restart: 0, copy: 0, swap: 0, crash: 0, cutOff: 0, failed: 0, unclear: 0 }; // prettier-ignore
  readonly #ledger = new StoreLedger(valueText);
  readonly #damages: string[] = [];
  readonly #log: Log;
  readonly #compaction: CompactionSettings;
  readonly #snapshotBytes: number;
  readonly #timeCount: number;
  /** Stamps that are given to what comes later. */
  #reserved: number[] = [];
  #number = 0;
  #copyIndex = 0;
  #isSwapping = false;
  #isUnclear = false;
  #compactionCount = 0;
  #failing: FailingCalls | undefined;

  constructor(seed: number, options: PlannerRunOptions) {
    this.#options = options;
    this.#world = new World(seed);
    this.#node = this.#world.addNode('a', { zeroTailRate: 0.3 });
    this.#random = this.#world.random('planner');
    const knobs = this.#world.random('knobs');
    this.#compaction = drawCompaction(knobs);
    this.#snapshotBytes = fraction(knobs) < 0.5 ? 2_000 + below(knobs, 20_000) : 1 << 20;
    // Some have keys of more than one block.
    this.#timeCount = fraction(knobs) < 0.2 ? 2_600 : 14;
    const hear = (text: string, values?: object): void => {
      if (unclearTexts.some((one) => text.startsWith(one))) this.#isUnclear = true;
      const said = `${text} ${JSON.stringify(values)}`;
      if (said.includes(shardFolder) && !said.includes(madeToFail)) this.#damages.push(said);
      if (text === 'TSM compaction failed' && !said.includes(madeToFail)) this.#damages.push(said);
    };
    const count = (text: string, values?: object): void => {
      if (text !== 'TSM compaction' || values === undefined || !('level' in values)) return;
      this.#counts[`level${values.level as 2 | 3 | 4}`]++;
      this.#compactionCount++;
    };
    const nothing = (): void => undefined;
    this.#log = { debug: nothing, info: count, warn: hear, error: hear, setLevel: nothing, child: () => this.#log }; // prettier-ignore
  }

  async run(): Promise<PlannerCounts> {
    const { crashes = 3 } = this.#options;
    for (let i = 0; i < crashes && !this.#isUnclear; i++)
      await this.#lifeUntil(1 + below(this.#random, callsAtMost));
    if (!this.#isUnclear) await this.#world.complete(this.#life(), lifeMs);
    if (!this.#isUnclear) await this.#world.complete(this.#lastLook(), lifeMs);
    this.#counts.unclear = Number(this.#isUnclear);
    return this.#counts;
  }

  async #lifeUntil(calls: number): Promise<void> {
    const node = this.#node;
    const life = { isOver: false };
    node.drive.afterCalls(calls, () => {
      node.crash();
      life.isOver = true;
    });
    this.#world.spawn(node, async () => {
      await this.#life();
      life.isOver = true;
    });
    while (!life.isOver) await this.#world.run(this.#world.nowMs + 1_000);
    if (node.isAlive) node.crash();
    node.restart();
    this.#counts.crash++;
    if (this.#ledger.isAnyOpen) this.#counts.cutOff++;
  }

  async #life(): Promise<void> {
    let store = await this.#start();
    for (let step = 0; step < stepsAtMost && !this.#isUnclear; step++) {
      const chance = fraction(this.#random);
      if (chance < 0.1 && this.#mayFail) await this.#failed(store);
      else if (chance < 0.15) store = await this.#restart(store);
      else if (chance < 0.2) await this.#alone(store, this.#copy);
      else if (chance < 0.23) await this.#alone(store, this.#swap);
      else {
        const count = chance < 0.45 ? 2 + below(this.#random, 2) : 1;
        await Promise.all(Array.from({ length: count }, () => this.#step(store)));
      }
      if (fraction(this.#random) < 0.5) this.#check(store);
    }
    if (!this.#isUnclear) await this.#end(store);
    await store.close();
  }

  /** What takes the whole shard, with nothing of it in doubt. */
  async #alone(store: Store, step: Step): Promise<void> {
    if (this.#ledger.isAnyOpen) await this.#end(store);
    await step.call(this, store);
  }

  async #restart(store: Store): Promise<Store> {
    if (this.#ledger.isAnyOpen) await this.#end(store);
    await store.close();
    this.#counts.restart++;
    return this.#start();
  }

  async #start(): Promise<Store> {
    const { disk, clock } = this.#node.env;
    const { plant } = this.#options;
    this.#failing = new FailingCalls(plantedDisk(disk, plant), shardFolder);
    this.#reserved = [];
    const store = await openStore(this.#failing.disk, clock, {
      columnKernel: plantedKernel(plant),
      log: this.#log,
      compaction: this.#compaction,
      snapshotBytes: this.#snapshotBytes,
      indexCacheBytesMax: 0,
      residentBytesMax: 0,
    });
    await this.#settleCopies(store);
    if (this.#isUnclear) return store;
    this.#ledger.judge(this.#read(store));
    const [damage] = this.#damages;
    if (damage !== undefined) throw new Error(`a crash has damaged: ${damage}`);
    return store;
  }

  /** What a crash has left of a copy: one that was read has to be whole, and one that was awaited never comes. */
  async #settleCopies(store: Store): Promise<void> {
    if (store.facts.shardIds.includes(copied.shardId)) {
      if (!this.#isUnclear && !store.lacks(copied.shardId))
        this.#ledger.check(this.#read(store, copied.shardId));
      await store.deleteShard(copied.shardId);
    }
    if (this.#isSwapping && store.lacks(kept.shardId)) {
      await store.deleteShard(kept.shardId);
      this.#ledger.forget();
    }
    this.#isSwapping = false;
  }

  async #lastLook(): Promise<void> {
    const store = await this.#start();
    await store.flush(kept.shardId);
    await this.#node.env.clock.sleep(restMs);
    this.#check(store);
    const count = this.#compactionCount;
    await this.#node.env.clock.sleep(restMs);
    if (this.#compactionCount !== count) throw new Error('compactions of a shard that rests go on');
    await store.compact(kept.shardId);
    this.#check(store);
    await store.close();
    const again = await this.#start();
    await again.close();
    const left = await leftoversOf(this.#node.env.disk);
    if (left !== '') throw new Error(left);
  }

  async #step(store: Store): Promise<void> {
    const chance = fraction(this.#random);
    if (chance < 0.4) await this.#write(store);
    else if (chance < 0.47) await this.#delete(store);
    else if (chance < 0.75) {
      await store.flush(kept.shardId);
      this.#counts.flush++;
    } else if (chance < 0.9) await this.#node.env.clock.sleep(below(this.#random, 2_500));
    else await this.#compact(store);
  }

  async #compact(store: Store): Promise<void> {
    try {
      await store.compact(kept.shardId);
    } catch (error) {
      if (!isDbError(error, 'cancelled')) throw error;
    }
  }

  async #write(store: Store): Promise<void> {
    const number = this.#nextNumber();
    const chance = fraction(this.#random);
    const lines = chance < 0.15 ? this.#manyLines() : chance < 0.35 ? this.#wideLines() : chance < 0.5 ? this.#allLines() : Array.from({ length: 1 + below(this.#random, 6) }, () => this.#line()); // prettier-ignore
    const said: Said = { kind: 'write', number, lines };
    const payload = batchOf(lines.map((line) => this.#textOf(line, number)).join('\n'));
    stampBatch(payload, makeStamp(BigInt(number), 1));
    await this.#during(said, () => store.write(kept, payload));
  }

  /** Mostly the next one; sometimes one that was left out before: what gets it comes late. */
  #nextNumber(): number {
    const chance = fraction(this.#random);
    if (chance < 0.1) this.#reserved.push(++this.#number);
    else if (chance < 0.25) {
      const [late, ...others] = this.#reserved;
      if (late !== undefined) {
        this.#reserved = others;
        this.#counts.late++;
        return late;
      }
    }
    return ++this.#number;
  }

  #line(): Line {
    return {
      measurement: this.#oneOf(measurements),
      tag: this.#oneOf(tags),
      field: this.#oneOf(fields),
      time: below(this.#random, this.#timeCount),
    };
  }

  /** Of one field of a series, time after time. */
  #manyLines(): readonly Line[] {
    const line = this.#line();
    const count = 1 + below(this.#random, Math.min(this.#timeCount - line.time, 1_500));
    return Array.from({ length: count }, (_, i) => ({ ...line, time: line.time + i }));
  }

  /** Of all series of a measurement. */
  #wideLines(): readonly Line[] {
    const { measurement, field, time } = this.#line();
    const count = 1 + below(this.#random, Math.min(this.#timeCount - time, 12));
    return tags.flatMap((tag) =>
      Array.from({ length: count }, (_, i) => ({ measurement, tag, field, time: time + i })),
    );
  }

  /** Of all series and fields, which is more than one file can have. */
  #allLines(): readonly Line[] {
    const count = Math.min(this.#timeCount, allTimesMax);
    return measurements.flatMap((measurement) =>
      tags.flatMap((tag) =>
        fields.flatMap((field) =>
          Array.from({ length: count }, (_, time) => ({ measurement, tag, field, time })),
        ),
      ),
    );
  }

  #textOf(line: Line, number: number): string {
    return `${keyOf(line)} ${line.field}=${valueLine(line.field, number, line.time)} ${timeOf(line.time, this.#timeCount)}`; // prettier-ignore
  }

  /** Planted bugs are found by what they break. */
  get #mayFail(): boolean {
    return this.#options.plant === undefined;
  }

  /** Something beside which the disk fails a call, and what it has begun is ended now or later. */
  async #failed(store: Store): Promise<void> {
    if (this.#ledger.isAnyOpen) await this.#end(store);
    const isDone = fraction(this.#random) < 0.4;
    this.#failing?.failIn(1 + below(this.#random, failingCallsAtMost), { isDone });
    try {
      await this.#step(store);
      await this.#step(store);
    } catch (error) {
      if (!isDbError(error, 'disk_full')) throw error;
      this.#counts.failed++;
    }
    this.#failing?.failIn(Infinity);
    if (fraction(this.#random) < 0.5) await this.#end(store);
  }

  /** Whether one that failed counts is known from here on. */
  async #end(store: Store): Promise<void> {
    await store.endDelete(kept.shardId);
    this.#ledger.judge(this.#read(store));
  }

  async #delete(store: Store): Promise<void> {
    const { measurement, tag, time } = this.#line();
    const isWhole = fraction(this.#random) < 0.3;
    const [minTime, maxTime] = isWhole ? [0, this.#timeCount] : [time, time + below(this.#random, 1 + this.#timeCount / 3)]; // prettier-ignore
    const filter = keyOf({ measurement, tag: fraction(this.#random) < 0.3 ? undefined : tag });
    const number = this.#nextNumber();
    const said: Said = { kind: 'delete', number, filter, minTime, maxTime };
    const range = rangeOf(minTime, maxTime, this.#timeCount);
    const asked = deleteOf(filter, range, makeStamp(BigInt(number), 1));
    await this.#during(said, () => store.deletePoints(kept.shardId, asked, kept));
  }

  /** The files of the shard as they are become another one, which has all of it. */
  async #copy(store: Store): Promise<void> {
    if (!(await this.#install(store, copied))) return;
    this.#ledger.check(this.#read(store, copied.shardId));
    await store.compact(copied.shardId);
    this.#ledger.check(this.#read(store, copied.shardId));
    await store.deleteShard(copied.shardId);
    this.#counts.copy++;
  }

  /** The shard goes, and comes back by a copy of its files, beside what is written meanwhile. */
  async #swap(store: Store): Promise<void> {
    if (!(await this.#install(store, kept))) return;
    this.#isSwapping = false;
    this.#reserved = [];
    this.#counts.swap++;
  }

  async #install(store: Store, place: typeof kept): Promise<boolean> {
    const { disk } = this.#node.env;
    const snapshot = await store.transfers.snapshot(kept.shardId, ++this.#copyIndex);
    if (snapshot === undefined) return false;
    const staging = `data/db/autogen/9.staging-${this.#copyIndex}`;
    await disk.rename(snapshot.folder, staging);
    const isSwapped = place === kept;
    if (isSwapped) {
      this.#isSwapping = true;
      this.#reserved = [];
      await store.deleteShard(kept.shardId);
    }
    const incoming = { ...place, copyIndex: this.#copyIndex };
    await store.transfers.expectCopy(incoming);
    const installed = store.transfers.install(incoming, { staging, deletes: [] });
    await Promise.all(isSwapped ? [installed, this.#write(store), this.#delete(store)] : [installed]); // prettier-ignore
    await disk.removeTree(staging);
    return true;
  }

  async #during(said: Said, work: () => Promise<unknown>): Promise<void> {
    await this.#ledger.during(said, work);
    this.#counts[said.kind]++;
  }

  #check(store: Store): void {
    if (!this.#isUnclear) this.#ledger.check(this.#read(store));
  }

  #read(store: Store, shardId = kept.shardId): Held {
    const first = below(this.#random, this.#timeCount);
    const within =
      fraction(this.#random) < 0.7
        ? undefined
        : rangeOf(first, first + below(this.#random, 60), this.#timeCount);
    // One that has gone in this run is known to have gone.
    if (!store.facts.shardIds.includes(shardId)) return { points: [], series: [] };
    try {
      return heldInWays(store, shardId, { timeCount: this.#timeCount, within });
    } catch (error) {
      throw new Error(`the shard cannot be read: ${String(error)}`, { cause: error });
    }
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[below(this.#random, list.length)] as T;
  }
}

/** Small files, small levels, and a shard that is cold soon. */
function drawCompaction(random: Random): CompactionSettings {
  const perPlan = (): number => 2 + below(random, 3);
  return {
    isByHand: false,
    fullColdMs: fraction(random) < 0.5 ? 2_000 + below(random, 6_000) : Number.POSITIVE_INFINITY,
    fileBytesMax: fraction(random) < 0.8 ? 400 + below(random, 2_000) : Number.POSITIVE_INFINITY,
    keyBlocksMax: fraction(random) < 0.3 ? 1 + below(random, 3) : undefined,
    aggressiveRows: fraction(random) < 0.5 ? 10_000 : undefined,
    levels: {
      filesPerPlan: [perPlan(), perPlan(), perPlan()],
      smallBytesMax: below(random, 3_000),
      optimizeFilesMin: perPlan(),
    },
    bytesPerSecond: 0,
    burstBytes: 0,
  };
}
