import { RE2JS } from 're2js';

/**
 * Regular expressions in Go's syntax, unanchored, in linear time whatever the pattern (spec 6.5): a pattern of a user
 * must not stop the server. Throws with Go's text on a bad pattern.
 */
export function compileRegex(source: string): (text: string) => boolean {
  const literal = literalPrefix(source);
  if (literal !== undefined) return (text) => text.startsWith(literal);
  const pattern = RE2JS.compile(source);
  return (text) => pattern.matcher(text).find();
}

/** `^abc` with no special character in it needs no automaton. */
function literalPrefix(source: string): string | undefined {
  const match = /^\^([A-Za-z0-9_ \-:/]+)$/.exec(source);
  return match?.[1];
}

/** Lengths of patterns that are kept compiled; each counts as `patternLengthMin` more, for what is made of it. */
const keptLengthMax = 1 << 20;
const patternLengthMin = 256;

/** A factory that compiles each pattern once, as long as there are not many thousands of others. */
export function regexCache(): (source: string) => (text: string) => boolean {
  const compiled = new Map<string, (text: string) => boolean>();
  let keptLength = 0;
  return (source) => {
    let matches = compiled.get(source);
    if (matches === undefined) {
      matches = compileRegex(source);
      const length = source.length + patternLengthMin;
      if (keptLength + length > keptLengthMax) {
        compiled.clear();
        keptLength = 0;
      }
      compiled.set(source, matches);
      keptLength += length;
    }
    return matches;
  };
}
