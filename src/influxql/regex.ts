import { RE2JS } from 're2js';
import { DbError, errorText } from '../base/errors.ts';

/**
 * Regular expressions in Go's syntax, unanchored, in linear time whatever the pattern (spec 6.5): a pattern of a user
 * must not stop the server. Throws with Go's text on a bad pattern.
 */
export function compileRegex(source: string): (text: string) => boolean {
  const plain = plainTest(source);
  if (plain !== undefined) return plain;
  const pattern = compiledOf(source);
  // A byte that is no UTF-8 is a character to Go, the one that stands for what cannot be read.
  return (text) => pattern.matcher(text.toWellFormed()).find();
}

/** Whether a pattern costs as much as an automaton: tens of microseconds to make, ten kilobytes to keep. */
export function isAutomaton(source: string): boolean {
  return plainTest(source) === undefined;
}

const sameNames = 'duplicate capture group name';
const openName = 'invalid named capture: `(?P<`';

/** Go takes a name of two groups, and reads a name that the pattern breaks off before as flags. */
function compiledOf(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    const text = errorText(error);
    if (text.includes(sameNames)) return RE2JS.compile(withoutNames(source));
    if (!text.endsWith(openName)) throw error;
    const reason = text.replace(openName, 'invalid or unsupported Perl syntax: `(?P`');
    throw new DbError('parse_error', reason, { cause: error });
  }
}

/** Groups keep their place; nobody asks for their names. */
function withoutNames(source: string): string {
  const parts = /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]])*\]|\(\?P?<\w+>/g;
  return source.replace(parts, (part) => (part.startsWith('(') ? '(' : part));
}

/** A form that is tried on more takes all of a stack. */
const plainLengthMax = 1 << 20;
/** Special characters stand behind a backslash. */
const plainText = /^(?:[A-Za-z0-9_ \-:/]|\\[.+*?()[\]{}^$\-/])*$/;
/** `^(a|b|c)$`, as dashboards write lists of values that were chosen. */
const listOfTexts = /^\^\(((?:[A-Za-z0-9_ \-:/|]|\\[.+*?()[\]{}^$\-/])+)\)\$$/;

function unescaped(plain: string): string {
  return plain.replaceAll('\\', '');
}

/** Texts without special characters, which may be bound to either end or both, and lists of them need no automaton. */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  if (source.length > plainLengthMax) return undefined;
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
