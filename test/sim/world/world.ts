import { assert } from '../../../src/base/assert.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { Timer } from '../../../src/env/clock.ts';
import type { EngineFactory } from '../../../src/env/engine-host.ts';
import type { Env } from '../../../src/env/env.ts';
import type { Profiler } from '../../../src/env/profiler.ts';
import type { FaultCounts } from './faults.ts';
import { type Life, Loop } from './loop.ts';
import { SimClock, SimClockChip } from './sim-clock.ts';
import { SimDisk, SimDrive, type SimDriveOptions } from './sim-disk.ts';
import { SimEngineHost } from './sim-engine-host.ts';
import { SimJobs } from './sim-jobs.ts';
import { SimKvDrive, SimKvOpener } from './sim-kv.ts';
import { SimLog } from './sim-log.ts';
import { SimNetwork } from './sim-network.ts';
import { SimDoors, SimInbound } from './sim-inbound.ts';
import { SimOutbound, type SimReceiver } from './sim-outbound.ts';
import { announceDeath } from './sim-exchange.ts';
import { SimSwitchboard } from './sim-switchboard.ts';
import { SimTransport } from './sim-transport.ts';

export interface WorldOptions {
  /** Gets each line of the trace as it comes. */
  readonly onTrace?: (line: string) => void;
}

export interface NodeOptions extends Partial<SimDriveOptions> {
  /** What EngineHost runs; spawn fails without it. */
  readonly engineFactory?: EngineFactory;
  readonly skewMs?: number;
  readonly driftPpm?: number;
}

/**
 * A cluster in one thread from one seed. Add nodes, spawn programs on them, break things, run; equal seeds and equal
 * calls give equal traces. Times are milliseconds of world time, which starts at 0.
 */
export class World {
  readonly #loop: Loop;
  readonly #board: SimSwitchboard;
  readonly #nodes = new Map<string, SimNode>();
  /** Servers that are none of the cluster, by `host:port`. */
  readonly receivers = new Map<string, SimReceiver>();
  /** Ports of nodes for senders that are none of the cluster. */
  readonly doors: SimDoors;

  constructor(seed: number, options: WorldOptions = {}) {
    this.#loop = new Loop(seed, options.onTrace);
    this.#board = new SimSwitchboard(new SimNetwork(this.#loop));
    this.doors = new SimDoors(this.#loop);
  }

  get seed(): number {
    return this.#loop.seed;
  }

  get nowMs(): number {
    return this.#loop.nowMs;
  }

  get eventCount(): number {
    return this.#loop.eventCount;
  }

  get network(): SimNetwork {
    return this.#board.network;
  }

  get faultCounts(): FaultCounts {
    return this.#loop.faultCounts;
  }

  get nodes(): readonly SimNode[] {
    return [...this.#nodes.values()];
  }

  /** A stream of chance for the test itself. */
  random(label: string): Env['random'] {
    return this.#loop.random.fork(`test/${label}`);
  }

  addNode(name: string, options: NodeOptions = {}): SimNode {
    assert(!this.#nodes.has(name), `one node is named ${name}`);
    const node = new SimNode(this.#loop, this.#board, {
      name,
      receivers: this.receivers,
      doors: this.doors,
      ...options,
    });
    this.#nodes.set(name, node);
    return node;
  }

  schedule(delayMs: number, run: () => void): Timer {
    return this.#loop.schedule(delayMs, run);
  }

  /** Starts a program on the node as it is now; a failure of it ends the run. A crash stops it at its next await. */
  spawn(node: SimNode, program: (env: Env) => Promise<unknown>): void {
    program(node.env).catch((error: unknown) => {
      this.#loop.fail(error);
    });
  }

  /** Runs events up to `untilMs`; throws the first failure. */
  run(untilMs: number): Promise<void> {
    return this.#loop.run(untilMs);
  }

  /** Runs events until `work` settles and gives its outcome; throws after `limitMs` more of world time. */
  complete<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.#loop.complete(work, limitMs);
  }

  /** Ends the run with `error`: for checkers. */
  fail(error: unknown): void {
    this.#loop.fail(error);
  }

  note(line: string): void {
    this.#loop.note(line);
  }

  traceHash(): string {
    return this.#loop.trace.hash();
  }

  traceTail(count?: number): readonly string[] {
    return this.#loop.trace.tail(count);
  }

  /** `GET path` on an RPC port, as `join` asks it. */
  httpGet(address: string, path: string): { contentType: string; body: string } | undefined {
    const listener = this.#board.find(address);
    if (listener === undefined) throw new DbError('unavailable', `${address}: connection refused`);
    return listener.handlers.httpGet?.(path);
  }
}

/** A machine: its clock and drives outlive its process. */
export class SimNode {
  readonly name: string;
  readonly clock: SimClockChip;
  readonly drive: SimDrive;
  readonly #loop: Loop;
  readonly #board: SimSwitchboard;
  readonly kvDrive: SimKvDrive;
  readonly #receivers: ReadonlyMap<string, SimReceiver>;
  readonly #doors: SimDoors;
  readonly #engineFactory: EngineFactory | undefined;
  #life: Life;
  #env: Env;

  constructor(
    loop: Loop,
    board: SimSwitchboard,
    options: NodeOptions & {
      readonly name: string;
      readonly receivers: ReadonlyMap<string, SimReceiver>;
      readonly doors: SimDoors;
    },
  ) {
    const { name, skewMs = 0, driftPpm = 0 } = options;
    this.name = name;
    this.#loop = loop;
    this.#board = board;
    this.#engineFactory = options.engineFactory;
    this.#receivers = options.receivers;
    this.#doors = options.doors;
    if (skewMs !== 0) loop.strike('clock_skew', `${name} ${skewMs}`);
    if (driftPpm !== 0) loop.strike('clock_drift', `${name} ${driftPpm}`);
    this.clock = new SimClockChip(loop, name, { skewMs, driftPpm });
    this.drive = new SimDrive(loop, name, {
      capacityBytes: options.capacityBytes ?? Infinity,
      zeroTailRate: options.zeroTailRate ?? 0.1,
      ioErrorRate: options.ioErrorRate ?? 0,
    });
    this.kvDrive = new SimKvDrive(loop, name, this.drive);
    this.#life = { node: name, generation: 0, alive: true };
    this.#env = this.#createEnv(this.#life);
  }

  get isAlive(): boolean {
    return this.#life.alive;
  }

  /** Of the running process; a new one after each restart. */
  get env(): Env {
    assert(this.#life.alive, `${this.name} is alive`);
    return this.#env;
  }

  /** Power loss: nothing of the process runs any more, what was not synced is lost or torn. */
  crash(): void {
    assert(this.#life.alive, `${this.name} is alive`);
    this.#life.alive = false;
    this.#loop.strike('crash', this.name);
    this.#board.crash(this.#life);
    announceDeath(this.#life);
    this.drive.crash();
    this.kvDrive.crash();
  }

  /** A new process on the same machine; the caller spawns its program. */
  restart(): Env {
    assert(!this.#life.alive, `${this.name} is down`);
    this.#life = { node: this.name, generation: this.#life.generation + 1, alive: true };
    this.#env = this.#createEnv(this.#life);
    this.#loop.note(`restart ${this.name}`);
    return this.#env;
  }

  #createEnv(life: Life): Env {
    const loop = this.#loop;
    const random = loop.random.fork(`node/${life.node}/${life.generation}`);
    const clock = new SimClock(loop, life, this.clock);
    const disk = new SimDisk(loop, life, this.drive);
    const log = new SimLog(loop, life);
    const ports = { clock, disk, log, random: random.fork('engines') };
    return {
      clock,
      disk,
      log,
      random: random.fork('node'),
      kv: new SimKvOpener(loop, life, { disk: this.drive, kv: this.kvDrive }),
      transport: new SimTransport(loop, life, this.#board),
      jobs: new SimJobs(loop, life, random.fork('jobs')),
      outbound: new SimOutbound(loop, life, this.#receivers),
      inbound: new SimInbound(loop, life, this.#doors),
      profiler: noProfiler,
      engines: new SimEngineHost(loop, life, { factory: this.#engineFactory, ports }),
    };
  }
}

/** A simulated machine has no threads to look at. */
const noProfiler: Profiler = {
  cpu: () => Promise.resolve([]),
  heap: () => Promise.reject(new DbError('unavailable', 'a simulated machine has no heap')),
  recordCpu: () => Promise.resolve(),
  recordHeap: () => Promise.resolve([]),
  threads: () => Promise.resolve([]),
  waiting: () => [],
};
