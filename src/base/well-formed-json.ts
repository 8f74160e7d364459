/**
 * JSON of clients, and for them. In texts here half a pair of surrogates is a byte that is no UTF-8 (exact-text.ts), which no JSON
 * can say: it is U+FFFD in what comes in and in what goes out, as Go has it.
 */

/** Throws SyntaxError. */
export function parseWellFormed(text: string): unknown {
  return text.includes('\\u') ? JSON.parse(text, wellFormed) : JSON.parse(text);
}

export function stringifyWellFormed(value: unknown): string {
  const json = JSON.stringify(value);
  // Nothing else is written as a character from U+D000 on.
  return json.includes('\\ud') ? json.replaceAll(/\\(?:ud...|[^])/g, (one) => one.startsWith('\\ud') ? '\\ufffd' : one) : json; // prettier-ignore
}

function wellFormed(_key: string, part: unknown): unknown {
  return typeof part === 'string' ? part.toWellFormed() : part;
}
