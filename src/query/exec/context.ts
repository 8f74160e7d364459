import { DbError } from '../../base/errors.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import type { MatcherFactory } from '../predicate.ts';
import { stoppableMatcher } from '../stoppable-matcher.ts';
import type { SourceArena } from '../source.ts';

/** What a running fragment has at hand besides its shards. */
export class FragmentContext {
  readonly arena: SourceArena;
  readonly matcher: MatcherFactory;
  /** Summarises in the arena; without one the same is done over copies. */
  readonly kernel: QueryKernel | undefined;
  readonly #cancelled: () => boolean;
  #pointsMax = 0;
  #points = 0;

  constructor(
    memory: SourceArena | QueryKernel,
    matcher: MatcherFactory,
    cancelled: () => boolean,
  ) {
    this.kernel = memory instanceof QueryKernel ? memory : undefined;
    this.arena = memory instanceof QueryKernel ? memory.arena : memory;
    this.matcher = stoppableMatcher(matcher, () => {
      this.check();
    });
    this.#cancelled = cancelled;
  }

  /** `max-select-point` of what runs; 0 is none. */
  limitPoints(pointsMax: number): void {
    this.#pointsMax = pointsMax;
  }

  /** Counts points that were read, block by block. */
  countPoints(count: number): void {
    this.#points += count;
    if (this.#pointsMax > 0 && this.#points > this.#pointsMax)
      throw new DbError('limit_exceeded', `max-select-point limit exceeded: (${this.#points}/${this.#pointsMax})`); // prettier-ignore
  }

  /** Asked per block of points, and for each few matches; ends the fragment once its query was killed or its client is gone. */
  check(): void {
    if (this.#cancelled()) throw new DbError('cancelled', 'query interrupted');
  }
}
