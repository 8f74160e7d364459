import { RE2JS } from 're2js';

/**
 * Regular expressions in Go's syntax, unanchored, in linear time whatever the pattern (spec 6.5): a pattern of a user
 * must not stop the server. Throws with Go's text on a bad pattern.
 */
export function compileRegex(source: string): (text: string) => boolean {
  const plain = plainTest(source);
  if (plain !== undefined) return plain;
  const pattern = RE2JS.compile(source);
  return (text) => pattern.matcher(text).find();
}

/** Whether a pattern costs as much as an automaton: tens of microseconds to make, ten kilobytes to keep. */
export function isAutomaton(source: string): boolean {
  return plainTest(source) === undefined;
}

/** Special characters stand behind a backslash. */
const plainText = /^(?:[A-Za-z0-9_ \-:/]|\\[.+*?()[\]{}^$\-/])*$/;
/** `^(a|b|c)$`, as dashboards write lists of values that were chosen. */
const listOfTexts = /^\^\(((?:[A-Za-z0-9_ \-:/|]|\\[.+*?()[\]{}^$\-/])+)\)\$$/;

function unescaped(plain: string): string {
  return plain.replaceAll('\\', '');
}

/** Texts without special characters, which may be bound to either end or both, and lists of them need no automaton. */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  const [, list] = listOfTexts.exec(source) ?? [];
  if (list !== undefined) {
    const texts = new Set(list.split('|').map(unescaped));
    return (text) => texts.has(text);
  }
  const isFromStart = source.startsWith('^');
  const isToEnd = source.endsWith('$');
  const inner = source.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined);
  if (!plainText.test(inner)) return undefined;
  const plain = unescaped(inner);
  if (isFromStart && isToEnd) return (text) => text === plain;
  if (isFromStart) return (text) => text.startsWith(plain);
  return isToEnd ? (text) => text.endsWith(plain) : (text) => text.includes(plain);
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
