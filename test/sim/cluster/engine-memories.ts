/**
 * Memories of engines that died, for those that come. A run starts some thirty engines, and V8 collects garbage for each
 * memory that is new: that took a tenth of the processor. What is in them is whatever was left: an engine must not mind.
 */
import type { EngineParts } from '../../../src/data/engine/engine-parts.ts';
import { newLineKernel } from '../../../src/data/engine/engine-parts.ts';
import type { LineKernel } from '../../../src/kernels/line-kernel.ts';
import { StoreKernel } from '../../../src/kernels/store-kernel.ts';

const idleMax = 32;

/** Of all clusters of the process, one after the other. */
const idleKernels: LineKernel[] = [];
const idleMemories: WebAssembly.Memory[] = [];

interface Lent {
  readonly storeMemory: WebAssembly.Memory;
  kernel?: LineKernel;
}

export class EngineMemories {
  /** By machine. */
  readonly #lent = new Map<string, Lent[]>();

  /** For an engine of the machine's running process. */
  lend(machine: string): EngineParts {
    const storeMemory = idleMemories.pop() ?? StoreKernel.createMemory();
    const lent: Lent = { storeMemory };
    this.#lent.set(machine, [...(this.#lent.get(machine) ?? []), lent]);
    const lineKernel = (): LineKernel => {
      const kernel = idleKernels.pop();
      kernel?.forget();
      lent.kernel = kernel ?? newLineKernel();
      return lent.kernel;
    };
    return { storeMemory, lineKernel };
  }

  /** The machine's process has died: its engines run no more after what runs now, and others begin in a later event. */
  takeBack(machine: string): void {
    for (const { storeMemory, kernel } of this.#lent.get(machine) ?? []) {
      if (idleMemories.length < idleMax) idleMemories.push(storeMemory);
      if (kernel !== undefined && idleKernels.length < idleMax) idleKernels.push(kernel);
    }
    this.#lent.delete(machine);
  }

  takeBackAll(): void {
    for (const machine of [...this.#lent.keys()]) this.takeBack(machine);
  }
}
