/** Blocks of several parts of a plan on the thread that makes them, part after part. */
import type { QueryKernel } from '../../../kernels/query-kernel.ts';
import type { BlockStream } from '../../../query/assemble/merge-groups.ts';
import { fragmentEnd } from '../../../query/fragment-run.ts';
import type { Pacer } from '../../../query/run/pacer.ts';
import type { PartsRun } from '../../../query/run/run-context.ts';
import type { IdleKernels } from '../idle-kernels.ts';
import type { FragmentBlock } from '../shard-access.ts';

export type RunBlocks = Generator<FragmentBlock | typeof fragmentEnd | undefined>;

export class OwnRun implements PartsRun {
  readonly #blocks: RunBlocks;
  readonly #pacer: Pacer;
  readonly #kernels: IdleKernels;
  #kernel: QueryKernel | undefined;
  /** The part whose blocks come next. */
  #at = 0;

  /** The kernel is given back once the blocks have ended or are closed. */
  constructor(
    blocks: RunBlocks,
    pacer: Pacer,
    memory: { readonly kernel: QueryKernel; readonly kernels: IdleKernels },
  ) {
    this.#blocks = blocks;
    this.#pacer = pacer;
    this.#kernel = memory.kernel;
    this.#kernels = memory.kernels;
  }

  /** What a part before it has left unread is passed over. */
  streams(at: number): readonly BlockStream<FragmentBlock>[] {
    return [{ next: () => this.#next(at), close: () => Promise.resolve() }];
  }

  #next(at: number): FragmentBlock | undefined | Promise<FragmentBlock | undefined> {
    while (this.#at <= at && this.#kernel !== undefined) {
      const next = this.#blocks.next();
      if (next.done === true) this.end();
      else if (next.value === fragmentEnd) this.#at++;
      else if (next.value !== undefined) {
        if (this.#at === at) return next.value;
      } else {
        const rest = this.#pacer.rest();
        if (rest !== undefined) return rest.then(() => this.#next(at));
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
