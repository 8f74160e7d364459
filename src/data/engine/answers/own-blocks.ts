/** Blocks of a fragment on the thread that makes them. */
import type { QueryKernel } from '../../../kernels/query-kernel.ts';
import type { BlockStream } from '../../../query/assemble/merge-groups.ts';
import type { Pacer } from '../../../query/run/pacer.ts';
import type { IdleKernels } from '../idle-kernels.ts';
import type { FragmentBlock } from '../shard-access.ts';

export class OwnBlocks<Item = FragmentBlock> implements BlockStream<Item> {
  readonly #blocks: Generator<Item | undefined>;
  readonly #pacer: Pacer;
  readonly #kernels: IdleKernels;
  #kernel: QueryKernel | undefined;

  /** The kernel is given back once the blocks have ended or are closed. */
  constructor(
    blocks: Generator<Item | undefined>,
    pacer: Pacer,
    memory: { readonly kernel: QueryKernel; readonly kernels: IdleKernels },
  ) {
    this.#blocks = blocks;
    this.#pacer = pacer;
    this.#kernel = memory.kernel;
    this.#kernels = memory.kernels;
  }

  next(): Item | undefined | Promise<Item | undefined> {
    while (this.#kernel !== undefined) {
      const next = this.#blocks.next();
      if (next.done === true) this.end();
      else if (next.value !== undefined) return next.value;
      else {
        const rest = this.#pacer.rest();
        if (rest !== undefined) return rest.then(() => this.next());
      }
    }
    return undefined;
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  end(): void {
    if (this.#kernel === undefined) return;
    this.#blocks.return(undefined);
    this.#kernels.give(this.#kernel);
    this.#kernel = undefined;
  }
}
