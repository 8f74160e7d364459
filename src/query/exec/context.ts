import { DbError } from '../../base/errors.ts';
import type { MatcherFactory } from '../predicate.ts';
import type { SourceArena } from '../source.ts';

/** What a running fragment has at hand besides its shards. */
export class FragmentContext {
  readonly arena: SourceArena;
  readonly matcher: MatcherFactory;
  readonly #cancelled: () => boolean;

  constructor(arena: SourceArena, matcher: MatcherFactory, cancelled: () => boolean) {
    this.arena = arena;
    this.matcher = matcher;
    this.#cancelled = cancelled;
  }

  /** Asked per block of points; ends the fragment once its query was killed or its client is gone. */
  check(): void {
    if (this.#cancelled()) throw new DbError('cancelled', 'query interrupted');
  }
}
