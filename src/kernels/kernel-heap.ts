/**
 * Blocks of a kernel's memory, given and taken back in any order. Memory of WebAssembly never gets less, so that what is
 * given back is used again: sizes are powers of two, and two halves that are both free become one block. A trimmed block is of
 * sixteenths of one: what lies behind them is free for smaller blocks.
 *
 * Invariants:
 * - A block lies at a multiple of its size, a trimmed one of the power of two that it was cut of; blocks given out do not
 *   overlap.
 * - What was given out and not taken back is at most `bytesMax`.
 */
import { assert, must } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { growMemory } from './grow-memory.ts';

const orderMin = 8;
const orderMax = 32;

export class KernelHeap {
  readonly memory: WebAssembly.Memory;
  readonly #bytesMax: number;
  readonly #reclaim: () => void;
  /** Free blocks by the logarithm of their size. */
  readonly #free: Set<number>[] = Array.from({ length: orderMax + 1 }, () => new Set());
  /** All beyond it has never been given out. */
  #top: number;
  #usedBytes = 0;

  constructor(
    memory: WebAssembly.Memory,
    options: {
      readonly base: number;
      readonly bytesMax: number;
      /** Called when there is no room left: gives back what can be done without. */
      readonly reclaim?: () => void;
    },
  ) {
    this.memory = memory;
    this.#reclaim = options.reclaim ?? (() => undefined);
    this.#bytesMax = options.bytesMax;
    this.#top = Math.ceil(options.base / (1 << orderMin)) * (1 << orderMin);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Of what may be given out. */
  get freeBytes(): number {
    return this.#bytesMax - this.#usedBytes;
  }

  /** A block of at least so many bytes, whatever they are. Throws `cache_full` past the limit. */
  allocate(lengthBytes: number): number {
    const order = orderOf(lengthBytes);
    const sizeBytes = 2 ** order;
    if (this.#usedBytes + sizeBytes > this.#bytesMax) this.#reclaim();
    if (this.#usedBytes + sizeBytes > this.#bytesMax) throw full(this.#usedBytes, this.#bytesMax);
    const at = this.#takeFree(order) ?? this.#extend(order);
    this.#usedBytes += sizeBytes;
    return at;
  }

  /** The same for what has a size of its own and many others beside it: at most an eighth more than asked for is taken. */
  allocateTrimmed(lengthBytes: number): number {
    const at = this.allocate(lengthBytes);
    const end = trimmedBytes(lengthBytes);
    const sizeBytes = 2 ** orderOf(lengthBytes);
    for (let from = end; from < sizeBytes;) {
      const order = orderAt(from, sizeBytes);
      this.free(at + from, 2 ** order);
      from += 2 ** order;
    }
    return at;
  }

  /** Takes a trimmed block back. */
  freeTrimmed(at: number, lengthBytes: number): void {
    const end = trimmedBytes(lengthBytes);
    for (let from = 0; from < end;) {
      const order = orderAt(from, end);
      this.free(at + from, 2 ** order);
      from += 2 ** order;
    }
  }

  /** The same as allocate(), all zero. */
  allocateZeroed(lengthBytes: number): number {
    const at = this.allocate(lengthBytes);
    new Uint8Array(this.memory.buffer, at, lengthBytes).fill(0);
    return at;
  }

  /** Takes a block back; `lengthBytes` is what was asked for. */
  free(at: number, lengthBytes: number): void {
    let order = orderOf(lengthBytes);
    this.#usedBytes -= 2 ** order;
    assert(this.#usedBytes >= 0, 'a block is given back once');
    let block = at;
    for (; order < orderMax; order++) {
      const sizeBytes = 2 ** order;
      const isUpper = (block / sizeBytes) % 2 === 1;
      const buddy = isUpper ? block - sizeBytes : block + sizeBytes;
      if (!must(this.#free[order], 'an order').delete(buddy)) break;
      if (isUpper) block = buddy;
    }
    must(this.#free[order], 'an order').add(block);
  }

  #takeFree(order: number): number | undefined {
    for (let from = order; from <= orderMax; from++) {
      const free = must(this.#free[from], 'an order');
      const [block] = free;
      if (block === undefined) continue;
      free.delete(block);
      // The upper halves of what is too large stay free.
      for (let half = from - 1; half >= order; half--) must(this.#free[half], 'an order').add(block + 2 ** half); // prettier-ignore
      return block;
    }
    return undefined;
  }

  #extend(order: number): number {
    const sizeBytes = 2 ** order;
    const at = Math.ceil(this.#top / sizeBytes) * sizeBytes;
    const end = at + sizeBytes;
    try {
      growMemory(this.memory, end);
    } catch (cause) {
      throw full(this.#usedBytes, this.#bytesMax, cause);
    }
    // The gap before the block becomes free blocks, each at a multiple of its size.
    for (let gap = this.#top; gap < at;) {
      let gapOrder = orderMin;
      while ((gap / 2 ** gapOrder) % 2 === 0 && gap + 2 ** (gapOrder + 1) <= at) gapOrder++;
      must(this.#free[gapOrder], 'an order').add(gap);
      gap += 2 ** gapOrder;
    }
    this.#top = end;
    return at;
  }
}

function orderOf(lengthBytes: number): number {
  let order = orderMin;
  while (2 ** order < lengthBytes) order++;
  assert(order <= orderMax, 'a block fits the memory');
  return order;
}

/** How much of a block is left of one that is trimmed. */
export function trimmedBytes(lengthBytes: number): number {
  const unitBytes = 2 ** Math.max(orderMin, orderOf(lengthBytes) - 4);
  return Math.ceil(Math.max(1, lengthBytes) / unitBytes) * unitBytes;
}

/** Of the largest block that may begin at `from` within a larger one and ends by `end`. */
function orderAt(from: number, end: number): number {
  let order = orderMin;
  while (order < orderMax && from % 2 ** (order + 1) === 0 && from + 2 ** (order + 1) <= end) order++; // prettier-ignore
  return order;
}

function full(usedBytes: number, bytesMax: number, cause?: unknown): DbError {
  const text = `engine: cache-max-memory-size exceeded: (${usedBytes}/${bytesMax})`;
  return new DbError('cache_full', text, { cause });
}
