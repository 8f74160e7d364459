import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { growMemory } from './grow-memory.ts';

const alignBytes = 16;

/**
 * Memory that readers fill and kernels work on, one to a worker: allocated upwards, given back to a mark. Pointers stay
 * valid when it grows, views of `memory.buffer` do not.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  /** The mark of an arena that holds nothing. */
  readonly base: number;
  readonly #bytesMax: number;
  #top: number;

  constructor(
    memory: WebAssembly.Memory,
    options: { readonly base: number; readonly bytesMax: number },
  ) {
    this.memory = memory;
    this.#bytesMax = options.bytesMax;
    this.base = aligned(options.base);
    this.#top = this.base;
  }

  allocate(lengthBytes: number): number {
    const at = this.#top;
    const top = aligned(at + lengthBytes);
    // Nobody has bounded what a statement asks for: it ends, and nothing else.
    if (top > this.#bytesMax)
      throw new DbError('limit_exceeded', `columns in work take more than ${this.#bytesMax} bytes`);
    growMemory(this.memory, top);
    this.#top = top;
    return at;
  }

  mark(): number {
    return this.#top;
  }

  /** Gives back all that was allocated since the mark was taken. */
  release(mark: number): void {
    assert(mark <= this.#top, 'marks are released last first');
    this.#top = mark;
  }
}

/** Not of bits, which would be an int32: as much as 4 GiB may be asked for, and more before it is refused. */
function aligned(at: number): number {
  return Math.ceil(at / alignBytes) * alignBytes;
}
