import { DbError } from '../../base/errors.ts';
import { WindowKernel } from '../../kernels/window-kernel.ts';
import type { MatcherFactory } from '../predicate.ts';
import type { SourceArena } from '../source.ts';

/** What a running fragment has at hand besides its shards. */
export class FragmentContext {
  readonly arena: SourceArena;
  readonly matcher: MatcherFactory;
  /** Summarises in the arena; without one the same is done over copies. */
  readonly kernel: WindowKernel | undefined;
  readonly #cancelled: () => boolean;

  constructor(
    memory: SourceArena | WindowKernel,
    matcher: MatcherFactory,
    cancelled: () => boolean,
  ) {
    this.kernel = memory instanceof WindowKernel ? memory : undefined;
    this.arena = memory instanceof WindowKernel ? memory.arena : memory;
    this.matcher = matcher;
    this.#cancelled = cancelled;
  }

  /** Asked per block of points; ends the fragment once its query was killed or its client is gone. */
  check(): void {
    if (this.#cancelled()) throw new DbError('cancelled', 'query interrupted');
  }
}
