import { DbError } from '../../base/errors.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import type { GroupKey } from '../fragment.ts';
import type { MatcherFactory } from '../predicate.ts';
import { stoppableMatcher } from '../stoppable-matcher.ts';
import type { SourceArena } from '../source.ts';
import type { FoundGroups } from './groups.ts';

/** Points that a statement has read so far, all that reads for it together. */
export class PointCount {
  value = 0;
}

/** The memory of a query. */
export interface MemoryAccount {
  charge(bytes: number): void;
  release(bytes: number): void;
}

/** What a running fragment has at hand besides its shards. */
export class FragmentContext {
  readonly arena: SourceArena;
  readonly matcher: MatcherFactory;
  /** Summarises in the arena; without one the same is done over copies. */
  readonly kernel: QueryKernel | undefined;
  readonly #cancelled: () => boolean;
  readonly #points: PointCount;
  #pointsMax = 0;
  #groupsBytes = 0;
  #account: MemoryAccount | undefined;
  #heard: ((groups: readonly GroupKey[]) => void) | undefined;
  #found: FoundGroups | undefined;

  constructor(
    memory: SourceArena | QueryKernel,
    matcher: MatcherFactory,
    cancelled: () => boolean,
    points = new PointCount(),
  ) {
    this.#points = points;
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

  /** What is held from row to row is charged there; without one it is not. */
  chargeTo(account: MemoryAccount): void {
    this.#account = account;
  }

  /** Told the groups of what runs, in order, before anything of them is read; without one nobody is. */
  tellGroups(heard: (groups: readonly GroupKey[]) => void): void {
    this.#heard = heard;
  }

  /** Groups that were found before need not be looked for. */
  knows(found: FoundGroups | undefined): void {
    this.#found = found;
  }

  get found(): FoundGroups | undefined {
    return this.#found;
  }

  /** These are all the groups that may be read. */
  groupsFound(groups: readonly { readonly key: GroupKey }[]): void {
    this.#heard?.(groups.map(({ key }) => key));
  }

  /** So many bytes are held more than before, or fewer. Throws `limit_exceeded`. */
  charge(bytes: number): void {
    if (bytes > 0) this.#account?.charge(bytes);
    else if (bytes < 0) this.#account?.release(-bytes);
  }

  /** The same of groups that were found, until releaseGroups(). */
  chargeGroups(bytes: number): void {
    this.#account?.charge(bytes);
    this.#groupsBytes += bytes;
  }

  /** Nobody has use for them any more. */
  releaseGroups(): void {
    this.#account?.release(this.#groupsBytes);
    this.#groupsBytes = 0;
  }

  /** Counts points that were read, block by block. */
  countPoints(count: number): void {
    const points = (this.#points.value += count);
    if (this.#pointsMax > 0 && points > this.#pointsMax)
      throw new DbError('limit_exceeded', `max-select-point limit exceeded: (${points}/${this.#pointsMax})`); // prettier-ignore
  }

  /** Asked per block of points, and for each few matches; ends the fragment once its query was killed or its client is gone. */
  check(): void {
    if (this.#cancelled()) throw new DbError('cancelled', 'query interrupted');
  }
}
