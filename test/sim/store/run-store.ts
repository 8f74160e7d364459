/**
 * A shard that is written to, deleted from, flushed and compacted, some of it at once, whose power goes at any call of the
 * disk, several times, and whose disk fails some calls of deletes: whenever nothing is under way, and after each start, it holds what was
 * acknowledged, and of what was cut off, or failed, all or nothing.
 */
import { isDbError } from '../../../src/base/errors.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { Env } from '../../../src/env/env.ts';
import type { Log } from '../../../src/env/log.ts';
import { makeStamp, stampBatch } from '../../../src/models/stamp.ts';
import { compactionByHand } from '../../../src/storage/store/store-options.ts';
import type { Store } from '../../../src/storage/store/store.ts';
import { batchOf, deleteOf, kept, openStore } from '../../support/store-script.ts';
import { World, type SimNode } from '../world/world.ts';
import { fields, heldBy, leftoversOf, shardFolder } from './check-store.ts';
import { FailingCalls, madeToFail } from './failing-calls.ts';
import { plantedDisk, plantedKernel, type StorePlant } from './plants-store.ts';
import { StoreLedger } from './store-ledger.ts';
import { keyOf, type Held, type Line, type Said } from './store-model.ts';

export interface StoreRunOptions {
  readonly plant?: StorePlant | undefined;
  /** How often the power goes. */
  readonly crashes?: number;
  /** The first time after exactly so many calls of the disk; else by chance, as the others. */
  readonly firstCrashAt?: number;
}

/** How often each came to its end. */
export interface StoreCounts {
  write: number;
  delete: number;
  flush: number;
  compact: number;
  crash: number;
  /** Crashes that cut off a write or a delete. */
  cutOff: number;
  /** Deletes that the disk failed. */
  failed: number;
}

const stepsAtMost = 24;
/** Calls of the disk in the shard's folder until one fails: a delete has some 20. */
const failingCallsAtMost = 20;
/** Calls of the disk until the power goes: a life has some 400. */
const callsAtMost = 300;
const measurements = ['m', 'n'] as const;
const tags = ['a', 'b', 'c', undefined] as const;
const timeCount = 12;
const lifeMs = 100_000;

export function runStore(seed: number, options: StoreRunOptions = {}): Promise<StoreCounts> {
  return new StoreRun(seed, options).run();
}

class StoreRun {
  readonly #options: StoreRunOptions;
  readonly #world: World;
  readonly #node: SimNode;
  readonly #random: Random;
  readonly #counts: StoreCounts = { write: 0, delete: 0, flush: 0, compact: 0, crash: 0, cutOff: 0, failed: 0 }; // prettier-ignore
  readonly #ledger = new StoreLedger();
  /** What the store has said of the shard's files. */
  readonly #damages: string[] = [];
  readonly #log: Log;
  /** Small, so that compactions of several files make several. */
  readonly #fileBytesMax: number;
  #number = 0;
  #failing: FailingCalls | undefined;

  constructor(seed: number, options: StoreRunOptions) {
    this.#options = options;
    this.#world = new World(seed);
    this.#node = this.#world.addNode('a', { zeroTailRate: 0.3 });
    this.#random = this.#world.random('store');
    const sizes = this.#world.random('file sizes');
    this.#fileBytesMax =
      fraction(sizes) < 0.6 ? 150 + below(sizes, 1_500) : Number.POSITIVE_INFINITY;
    const hear = (text: string, values?: object): void => {
      const said = `${text} ${JSON.stringify(values)}`;
      // The end of a log may be torn.
      if (said.includes(shardFolder) && !said.includes(madeToFail)) this.#damages.push(said);
    };
    const nothing = (): void => undefined;
    this.#log = { debug: nothing, info: nothing, warn: hear, error: hear, setLevel: nothing, child: () => this.#log }; // prettier-ignore
  }

  async run(): Promise<StoreCounts> {
    const { crashes = 4, firstCrashAt } = this.#options;
    for (let i = 0; i < crashes; i++) {
      const calls = i === 0 ? firstCrashAt : undefined;
      await this.#lifeUntil(calls ?? 1 + below(this.#random, callsAtMost));
    }
    await this.#world.complete(this.#life(), lifeMs);
    await this.#world.complete(this.#lastLook(), lifeMs);
    return this.#counts;
  }

  /** The power goes after so many calls of the disk, or when all is done. */
  async #lifeUntil(calls: number): Promise<void> {
    const node = this.#node;
    node.drive.afterCalls(calls, () => {
      node.crash();
    });
    this.#world.spawn(node, () => this.#life());
    await this.#world.run(this.#world.nowMs + lifeMs);
    if (node.isAlive) node.crash();
    node.restart();
    this.#counts.crash++;
    if (this.#ledger.isAnyOpen) this.#counts.cutOff++;
  }

  async #life(): Promise<void> {
    const store = await this.#start();
    for (let step = 0; step < stepsAtMost; step++) {
      const chance = fraction(this.#random);
      if (chance < 0.1 && this.#mayFail) await this.#failedDelete(store);
      else {
        const count = chance < 0.37 ? 2 + below(this.#random, 2) : 1;
        await Promise.all(Array.from({ length: count }, () => this.#step(store)));
      }
      this.#check(store);
    }
    await this.#end(store);
    await store.close();
  }

  async #start(): Promise<Store> {
    const { disk, clock }: Env = this.#node.env;
    const { plant } = this.#options;
    this.#failing = new FailingCalls(plantedDisk(disk, plant), shardFolder);
    const store = await openStore(this.#failing.disk, clock, {
      columnKernel: plantedKernel(plant),
      log: this.#log,
      compaction: { ...compactionByHand, fileBytesMax: this.#fileBytesMax },
      // Pages are read again, and series leave memory at each flush.
      indexCacheBytesMax: 0,
      residentBytesMax: 0,
    });
    this.#ledger.judge(this.#read(store));
    // Which is made good, and still may not come of a crash alone.
    const [damage] = this.#damages;
    if (damage !== undefined) throw new Error(`a crash has damaged: ${damage}`);
    return store;
  }

  /** Everything in files, then in as few as can be, then opened once more. */
  async #lastLook(): Promise<void> {
    const store = await this.#start();
    await store.flush(kept.shardId);
    this.#check(store);
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
    if (chance < 0.45) await this.#write(store);
    else if (chance < 0.6) await this.#delete(store);
    else if (chance < 0.85) {
      await store.flush(kept.shardId);
      this.#counts.flush++;
    } else await this.#compact(store);
  }

  async #compact(store: Store): Promise<void> {
    try {
      await store.compact(kept.shardId);
      this.#counts.compact++;
    } catch (error) {
      // A delete has come meanwhile.
      if (!isDbError(error, 'cancelled')) throw error;
    }
  }

  async #write(store: Store): Promise<void> {
    const lines = Array.from({ length: 1 + below(this.#random, 6) }, () => this.#line());
    const said: Said = { kind: 'write', number: ++this.#number, lines };
    const payload = batchOf(lines.map((line) => textOf(line, said.number)).join('\n'));
    stampBatch(payload, makeStamp(BigInt(said.number), 1));
    await this.#during(said, async () => {
      await store.write(kept, payload);
    });
  }

  #line(): Line {
    return {
      measurement: this.#oneOf(measurements),
      tag: this.#oneOf(tags),
      field: this.#oneOf(fields),
      time: below(this.#random, timeCount),
    };
  }

  /** Other bugs are found by what they break. */
  get #mayFail(): boolean {
    const { plant = 'delete-not-marked' } = this.#options;
    return plant === 'delete-not-marked';
  }

  /** A delete that the disk may fail, and something behind it; what it has begun is ended now or later. */
  async #failedDelete(store: Store): Promise<void> {
    if (this.#ledger.isAnyOpen) await this.#end(store);
    this.#failing?.failIn(1 + below(this.#random, failingCallsAtMost));
    try {
      await this.#delete(store);
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
    const isWhole = fraction(this.#random) < 0.5;
    const [minTime, maxTime] = isWhole ? [0, 10_000] : [time, time + below(this.#random, 4)];
    const filter = keyOf({ measurement, tag });
    const said: Said = { kind: 'delete', number: ++this.#number, filter, minTime, maxTime };
    const range = { minTimeNs: BigInt(minTime), maxTimeNs: BigInt(maxTime) };
    const asked = deleteOf(filter, range, makeStamp(BigInt(said.number), 1));
    await this.#during(said, () => store.deletePoints(kept.shardId, asked, kept));
  }

  async #during(said: Said, work: () => Promise<void>): Promise<void> {
    await this.#ledger.during(said, work);
    this.#counts[said.kind]++;
  }

  /** With nothing under way but what may have failed. */
  #check(store: Store): void {
    this.#ledger.check(this.#read(store));
  }

  #read(store: Store): Held {
    try {
      return heldBy(store);
    } catch (error) {
      throw new Error(`the shard cannot be read: ${String(error)}`, { cause: error });
    }
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[below(this.#random, list.length)] as T;
  }
}

function textOf(line: Line, number: number): string {
  const value = { f: `${number}`, i: `${number}i`, s: `"${number}"` }[line.field];
  return `${keyOf(line)} ${line.field}=${value} ${line.time}`;
}
