/**
 * Kernels that wait for the next fragment: each has a memory of its own, which costs more to make than a small query takes. A
 * fragment has one to itself while it reads.
 */
import { KiB, MiB } from '../../base/units.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';

/** Of any size: a large query grows its memory, and memory does not shrink. */
const keptMax = 4;
/** Of those that never grew, or little: one for each small query that a worker has under way at once. */
const smallKeptMax = 32;
const smallBytesMax = 512 * KiB;
/** A grown one is not kept past it. */
const keptBytesMax = 64 * MiB;

export class IdleKernels {
  readonly #bytesMax: number;
  readonly #small: QueryKernel[] = [];
  readonly #grown: QueryKernel[] = [];

  constructor(options: { readonly bytesMax: number }) {
    this.#bytesMax = options.bytesMax;
  }

  get count(): number {
    return this.#small.length + this.#grown.length;
  }

  take(): QueryKernel {
    const idle = this.#small.pop() ?? this.#grown.pop();
    return idle ?? new QueryKernel(compiledKernels(), { bytesMax: this.#bytesMax });
  }

  /** Whatever was put in its memory is gone. */
  give(kernel: QueryKernel): void {
    const { arena } = kernel;
    arena.release(arena.base);
    const { byteLength } = arena.memory.buffer;
    const isSmall = byteLength <= smallBytesMax;
    const [kept, countMax] = isSmall ? [this.#small, smallKeptMax] : [this.#grown, keptMax];
    if (byteLength <= keptBytesMax && kept.length < countMax) kept.push(kernel);
  }
}
