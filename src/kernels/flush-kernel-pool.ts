import type { FlushKernel } from './flush-kernel.ts';

const takenMax = 2;
/** A kernel's memory never gets less: one that has grown so large is not kept. */
const keptBytesMax = 128 << 20;

/** The flush kernels of a worker: made when they are needed, kept while they are small. */
export class FlushKernelPool {
  readonly #make: () => FlushKernel;
  readonly #idle: FlushKernel[] = [];
  #takenCount = 0;

  constructor(make: () => FlushKernel) {
    this.#make = make;
  }

  /** Undefined when as many as there may be are at work: a flush can do without. */
  take(): FlushKernel | undefined {
    if (this.#takenCount === takenMax) return undefined;
    this.#takenCount++;
    return this.#idle.pop() ?? this.#make();
  }

  giveBack(kernel: FlushKernel): void {
    this.#takenCount--;
    if (kernel.memoryBytes <= keptBytesMax) this.#idle.push(kernel);
  }
}
