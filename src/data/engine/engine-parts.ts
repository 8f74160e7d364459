import { LineKernel } from '../../kernels/line-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';

/**
 * What an engine can take over of one that is gone. V8 counts each memory that is new as much garbage to come: where
 * engines come and go by the thousand in one thread, as in simulations, that costs more than what they do.
 */
export interface EngineParts {
  /** Called at the first body of lines. A kernel that is given has forgotten all. */
  readonly lineKernel?: () => LineKernel;
  /** Of the store's kernel, with whatever is left in it. */
  readonly storeMemory?: WebAssembly.Memory;
}

export function newLineKernel(): LineKernel {
  return LineKernel.create(compiledKernels());
}
