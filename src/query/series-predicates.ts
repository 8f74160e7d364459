import { DbError } from '../base/errors.ts';
import {
  decided,
  joinedOf,
  predicateFields,
  reduce,
  type Joined,
  type Predicate,
  type ReducedParts,
  type TagReader,
} from './predicate.ts';
import type { MatcherFactory } from './value.ts';

/** Programs that read tags beside fields are made anew for each series: so many are some 200 MB. */
const programsMax = 1 << 20;

const noTags: TagReader = { get: () => undefined };

/**
 * What a predicate says of one series after the other, as specialize() does, for many series and long predicates: series share
 * whatever does not differ between them. Of n terms and m series nothing of the size n x m is kept, and what hangs on fields alone
 * is not looked at again.
 */
export class SeriesPredicates {
  readonly #predicate: Predicate;
  readonly #matcher: MatcherFactory;
  readonly #parts: ReducedParts;
  /** Of parts without tags, what they come to. */
  readonly #known = new Map<Predicate, Predicate>();
  readonly #joined = { and: new Pairs(), or: new Pairs() };
  readonly #fields = new Map<Predicate, readonly string[]>();
  #programCount = 0;

  constructor(predicate: Predicate, matcher: MatcherFactory) {
    this.#predicate = predicate;
    this.#matcher = matcher;
    this.#parts = {
      known: (joined) => this.#known.get(joined),
      join: (joined, left, right) => this.#join(joined, left, right),
    };
    this.#find(predicate);
  }

  /** As specialize() of predicate.ts; series that are left the same have the same object. Throws `limit_exceeded`. */
  of(tags: TagReader): Predicate | false | undefined {
    return decided(reduce(this.#predicate, tags, this.#matcher, this.#parts));
  }

  /** The fields that what of() gave reads, in order of first use. */
  fieldsOf(residual: Predicate): readonly string[] {
    const known = this.#fields.get(residual);
    if (known !== undefined) return known;
    const fields = this.#ownFields(residual);
    this.#fields.set(residual, fields);
    return fields;
  }

  #ownFields(part: Predicate): readonly string[] {
    if (part.kind !== 'and' && part.kind !== 'or') return predicateFields(part);
    const left = this.fieldsOf(part.left);
    const right = this.fieldsOf(part.right);
    return right.every((name) => left.includes(name)) ? left : [...new Set([...left, ...right])];
  }

  /** Whether a part is without tags: what it comes to is known then. */
  #find(part: Predicate): boolean {
    if (part.kind !== 'and' && part.kind !== 'or') return !readsTag(part);
    const isLeft = this.#find(part.left);
    const isRight = this.#find(part.right);
    if (!isLeft || !isRight) return false;
    this.#known.set(part, reduce(part, noTags, this.#matcher, this.#parts));
    return true;
  }

  #join(joined: Joined, left: Predicate, right: Predicate): Predicate {
    this.#countPrograms(left, joined.left);
    this.#countPrograms(right, joined.right);
    if (left === joined.left && right === joined.right) return joined;
    return this.#joined[joined.kind].of(left, right, () => joinedOf(joined, left, right));
  }

  #countPrograms(part: Predicate, from: Predicate): void {
    if (part.kind === 'program' && part !== from && ++this.#programCount > programsMax)
      throw new DbError('limit_exceeded', 'the condition has too many terms of tags beside fields for so many series'); // prettier-ignore
  }
}

/** One object of each two parts. */
class Pairs {
  readonly #made = new Map<Predicate, Map<Predicate, Predicate>>();

  of(left: Predicate, right: Predicate, make: () => Predicate): Predicate {
    const byRight = this.#made.get(left);
    const known = byRight?.get(right);
    if (known !== undefined) return known;
    const made = make();
    if (byRight === undefined) this.#made.set(left, new Map([[right, made]]));
    else byRight.set(right, made);
    return made;
  }
}

function readsTag(leaf: Predicate): boolean {
  switch (leaf.kind) {
    case 'and':
    case 'or':
      return readsTag(leaf.left) || readsTag(leaf.right);
    case 'constant':
      return false;
    case 'compare':
      return leaf.left.kind === 'tag' || leaf.right.kind === 'tag';
    case 'match':
      return leaf.operand.kind === 'tag';
    case 'program':
      return leaf.inputs.some(({ kind }) => kind === 'tag');
  }
}
