import type { MatcherFactory } from './value.ts';

/** One takes microseconds, or tens of them over a long text. */
const matchesPerCheck = 64;

/** Matches that end with what `check` throws: patterns are the one thing that makes a single row or series take long. */
export function stoppableMatcher(matcher: MatcherFactory, check: () => void): MatcherFactory {
  let count = 0;
  return (pattern) => {
    if (++count % matchesPerCheck === 0) check();
    return matcher(pattern);
  };
}
