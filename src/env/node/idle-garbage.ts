/**
 * Has all that a thread holds and nobody uses collected once it has gone quiet. V8 collects as memory is asked for: behind large
 * answers whose clients have left nobody asks, and each thread keeps hundreds of megabytes of blocks for hours (decision 122).
 *
 * - Of one thread, as each has a heap of its own.
 * - What is used is not looked through again and again: only what has come since the last collection counts.
 */
import { performance } from 'node:perf_hooks';
import { MiB, secondMs } from '../../base/units.ts';
import { findCollect } from './garbage.ts';
import { memoryUsage } from './memory-usage.ts';

export interface IdleGarbagePorts {
  /** Whether it is used or not: of buffers, and so much of the heap as counts beside them. */
  readonly heldBytes: () => number;
  /** Which part of the time since it was called last the thread has been busy. */
  readonly busyShare: () => number;
  /** Of all generations. */
  readonly collect: () => void;
}

const lookMs = 5 * secondMs;
/** What may have come to be since: a collection takes tens of milliseconds. */
const keptBytesMax = 48 * MiB;
/** Of the heap four times as much may be garbage: behind heavy statements V8 lets it grow by hundreds of megabytes, and small work makes some all the time. */
const heapShare = 4;
/** With more to do V8 collects by and by itself, and whoever asks waits for no collection that could be later. */
const quietShare = 0.1;

export class IdleGarbage {
  readonly #ports: IdleGarbagePorts;
  /** The least since the last collection. */
  #leastBytes = 0;
  #hasCollected = false;

  constructor(ports: IdleGarbagePorts = portsOfThread()) {
    this.#ports = ports;
  }

  /** Looks from now on, from time to time, as long as the thread lives: it does not live for that. */
  watch(): void {
    setInterval(() => {
      this.look();
    }, lookMs).unref();
  }

  look(): void {
    const bytes = this.#ports.heldBytes();
    const isQuiet = this.#ports.busyShare() < quietShare;
    // V8 gives buffers back a moment after it has found them.
    this.#leastBytes = this.#hasCollected ? bytes : Math.min(this.#leastBytes, bytes);
    this.#hasCollected = false;
    if (!isQuiet || bytes - this.#leastBytes < keptBytesMax) return;
    this.#ports.collect();
    this.#hasCollected = true;
  }
}

function portsOfThread(): IdleGarbagePorts {
  let before = performance.eventLoopUtilization();
  return {
    heldBytes: () => {
      const { arrayBuffers, heapUsed } = memoryUsage();
      return arrayBuffers + heapUsed / heapShare;
    },
    busyShare: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    collect: () => {
      findCollect()({ type: 'major' });
    },
  };
}
