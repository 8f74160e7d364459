/**
 * The series of a shard that a predicate may pass, as far as the lists of the index tell: by equality of a tag, or by a term
 * that reads one tag alone, which is asked of each of its values instead of each series.
 */
import {
  looksWithin,
  specialize,
  tagTermsPerPause,
  type MatcherFactory,
  type Predicate,
} from '../../predicate.ts';
import type { SeriesIds, SeriesSteps, ShardSource } from '../../source.ts';
import { tagCandidates } from './tag-candidates.ts';

/** So many values are looked up one by one at most: the series of more are asked themselves. */
const valuesMax = 16_384;

type IndexSource = Pick<ShardSource, 'seriesIds' | 'seriesIdsWith' | 'tagValueLists'>;

/** A pattern takes tens of microseconds to meet a long value. */
const valuesPerPause = 16;

interface AskedSeries {
  readonly measurement: string;
  readonly predicate?: Predicate | undefined;
}

/** In order of their keys; the predicate is still to be asked of each. undefined is a pause, where others may run. */
export function* candidateSeries(
  source: IndexSource,
  asked: AskedSeries,
  matcher: MatcherFactory,
): SeriesSteps {
  return (yield* listedSeries(source, asked, matcher)).ids;
}

/** In order of their keys. Where the lists tell all that the predicate says, it need not be asked of each: `isExact`. */
export function* listedSeries(
  source: IndexSource,
  { measurement, predicate }: AskedSeries,
  matcher: MatcherFactory,
): Generator<undefined, { readonly ids: SeriesIds; readonly isExact: boolean }> {
  const equal = tagCandidates(predicate);
  if (equal !== undefined) {
    const ids = yield* source.seriesIdsWith(measurement, equal.key, equal.values);
    return { ids, isExact: isOneOfValues(predicate) };
  }
  const terms = tagTerms(predicate);
  const isMissingOut = ({ term }: TagTerm) => specialize(term, new Map(), matcher) === false;
  // What a series without the tag fails has a list; what it passes is all but a list.
  const chosen = terms.find(isMissingOut) ?? terms[0];
  if (chosen === undefined)
    return { ids: yield* source.seriesIds(measurement), isExact: predicate === undefined };
  const isListed = isMissingOut(chosen);
  const values = source.tagValueLists(measurement, chosen.key);
  const picked = yield* pickValues(values, { ...chosen, isPassing: isListed }, matcher);
  if (picked === undefined) return { ids: yield* source.seriesIds(measurement), isExact: false };
  const isExact = chosen.term === predicate;
  if (isListed)
    return { ids: yield* source.seriesIdsWith(measurement, chosen.key, picked), isExact };
  const all = yield* source.seriesIds(measurement);
  if (picked.size === 0) return { ids: all, isExact };
  const out = new Set(yield* source.seriesIdsWith(measurement, chosen.key, picked));
  return { ids: Uint32Array.from(all).filter((id) => !out.has(id)), isExact };
}

/** Whether it says of one tag which values it has, and nothing else; asked of what tagCandidates() takes. */
function isOneOfValues(predicate: Predicate | undefined): boolean {
  if (predicate?.kind === 'or')
    return isOneOfValues(predicate.left) && isOneOfValues(predicate.right);
  return predicate?.kind === 'compare';
}

/** A part of the predicate that has to hold, and reads no more than a tag. */
interface TagTerm {
  readonly key: string;
  readonly term: Predicate;
}

function tagTerms(predicate: Predicate | undefined): readonly TagTerm[] {
  if (predicate === undefined) return [];
  const tags = new Set<string>();
  if (readsTagsOnly(predicate, tags) && tags.size === 1)
    return [...tags].map((key) => ({ key, term: predicate }));
  if (predicate.kind !== 'and') return [];
  return [...tagTerms(predicate.left), ...tagTerms(predicate.right)];
}

function readsTagsOnly(predicate: Predicate, tags: Set<string>): boolean {
  switch (predicate.kind) {
    case 'constant':
      return true;
    case 'and':
    case 'or':
      return readsTagsOnly(predicate.left, tags) && readsTagsOnly(predicate.right, tags);
    case 'compare':
      return [predicate.left, predicate.right].every((operand) => {
        if (operand.kind === 'tag') tags.add(operand.name);
        return operand.kind === 'tag' || operand.kind === 'constant';
      });
    case 'match':
      if (predicate.operand.kind === 'tag') tags.add(predicate.operand.name);
      return predicate.operand.kind === 'tag';
    case 'program':
      return false;
  }
}

/** The values that a term passes, or fails; undefined when they are too many. */
function* pickValues(
  lists: Iterable<readonly string[]>,
  { key, term, isPassing }: TagTerm & { readonly isPassing: boolean },
  matcher: MatcherFactory,
): Generator<undefined, ReadonlySet<string> | undefined> {
  const picked = new Set<string>();
  const perPause = looksWithin(tagTermsPerPause, term, valuesPerPause);
  for (const values of lists)
    for (const [i, value] of values.entries()) {
      if (i % perPause === 0) yield undefined;
      if ((specialize(term, new Map([[key, value]]), matcher) !== false) !== isPassing) continue;
      if (picked.add(value).size > valuesMax) return undefined;
    }
  return picked;
}
