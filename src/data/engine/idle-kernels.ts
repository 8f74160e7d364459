/**
 * Kernels that wait for the next fragment: each has a memory of its own, which costs more to make than a small query takes. A
 * fragment has one to itself while it reads.
 */
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';

/** Of 256 KiB at least, more where a large query has grown its memory. */
const keptMax = 4;

export class IdleKernels {
  readonly #bytesMax: number;
  readonly #idle: QueryKernel[] = [];

  constructor(options: { readonly bytesMax: number }) {
    this.#bytesMax = options.bytesMax;
  }

  take(): QueryKernel {
    return this.#idle.pop() ?? new QueryKernel(compiledKernels(), { bytesMax: this.#bytesMax });
  }

  /** Whatever was put in its memory is gone. */
  give(kernel: QueryKernel): void {
    kernel.arena.release(kernel.arena.base);
    if (this.#idle.length < keptMax) this.#idle.push(kernel);
  }
}
