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

/** A factory that compiles each pattern once for as long as it is held. */
export function regexCache(): (source: string) => (text: string) => boolean {
  const compiled = new Map<string, (text: string) => boolean>();
  return (source) => {
    let matches = compiled.get(source);
    if (matches === undefined) {
      matches = compileRegex(source);
      compiled.set(source, matches);
    }
    return matches;
  };
}
