import { Buffer } from 'node:buffer';
import { quoteGo } from './go-format.ts';

/** What is wrong with a JSON text, in the words of Go's encoding/json. */
export interface JsonFault {
  readonly text: string;
  /** The text ends where more of it belongs. */
  readonly isCutOff: boolean;
}

/** Where the first JSON value of a text ends, as a place in it, or what is wrong before that. */
export type FirstValue = { readonly end: number } | { readonly fault: JsonFault };

/** Looks at no more than the first value: what follows it may be anything, as for Go's Decoder. */
export function scanFirstValue(text: string): FirstValue {
  const scan = new Scan(text);
  const fault = scan.value();
  return fault === undefined ? { end: scan.at } : { fault };
}

/** What Go's Unmarshal says of a text; undefined where all of it is one JSON value. */
export function jsonFaultOf(text: string): JsonFault | undefined {
  const scan = new Scan(text);
  return scan.value() ?? (scan.skipSpaces() ? scan.refuse('after top-level value') : undefined);
}

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'more';

const escapes = '"\\/bfnrt';
const words = new Map([
  ['t', 'true'],
  ['f', 'false'],
  ['n', 'null'],
]);

/** A value deep in others is read without the call stack. */
class Scan {
  at = 0;
  readonly #text: string;
  /** The brackets that are open. */
  readonly #open: ('{' | '[')[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  value(): JsonFault | undefined {
    let expected: Expected = 'value';
    for (;;) {
      if (expected === 'more' && this.#open.length === 0) return undefined;
      if (!this.skipSpaces()) return { text: 'unexpected end of JSON input', isCutOff: true };
      const next = this.#step(expected);
      if (typeof next !== 'string') return next;
      expected = next;
    }
  }

  /** Whether anything else follows. */
  skipSpaces(): boolean {
    while (this.at < this.#text.length && ' \t\r\n'.includes(this.#text.charAt(this.at))) this.at++;
    return this.at < this.#text.length;
  }

  /** Where the text is over Go sees a space. */
  refuse(where: string): JsonFault {
    const isCutOff = this.at >= this.#text.length;
    const code = this.#text.codePointAt(this.at) ?? 0x20;
    // Go goes by bytes, and shows the first one of a character.
    const shown = String.fromCharCode(Buffer.from(String.fromCodePoint(code))[0] ?? 0x20);
    const quoted = shown === "'" ? "\\'" : shown === '"' ? '"' : quoteGo(shown).slice(1, -1);
    return { text: `invalid character '${quoted}' ${where}`, isCutOff };
  }

  #step(expected: Expected): Expected | JsonFault {
    const c = this.#text.charAt(this.at);
    switch (expected) {
      case 'value or end':
        return c === ']' ? this.#close() : this.#begin(c);
      case 'value':
        return this.#begin(c);
      case 'key or end':
      case 'key':
        if (c === '}' && expected === 'key or end') return this.#close();
        if (c === '"') return this.#string() ?? 'colon';
        return this.refuse('looking for beginning of object key string');
      case 'colon':
        if (c !== ':') return this.refuse('after object key');
        this.at++;
        return 'value';
      case 'more':
        return this.#more(c);
    }
  }

  #more(c: string): Expected | JsonFault {
    const isObject = this.#open.at(-1) === '{';
    if (c === (isObject ? '}' : ']')) return this.#close();
    if (c !== ',') return this.refuse(isObject ? 'after object key:value pair' : 'after array element'); // prettier-ignore
    this.at++;
    return isObject ? 'key' : 'value';
  }

  #close(): Expected {
    this.at++;
    this.#open.pop();
    return 'more';
  }

  #begin(c: string): Expected | JsonFault {
    if (c === '{' || c === '[') {
      this.at++;
      this.#open.push(c);
      return c === '{' ? 'key or end' : 'value or end';
    }
    if (c === '"') return this.#string() ?? 'more';
    if (c === '-' || isDigit(c)) return this.#number() ?? 'more';
    const word = words.get(c);
    if (word === undefined) return this.refuse('looking for beginning of value');
    return this.#word(word) ?? 'more';
  }

  #word(word: string): JsonFault | undefined {
    for (const letter of word) {
      if (this.#text.charAt(this.at) !== letter) return this.refuse(`in literal ${word} (expecting '${letter}')`); // prettier-ignore
      this.at++;
    }
    return undefined;
  }

  #number(): JsonFault | undefined {
    if (this.#text.charAt(this.at) === '-') this.at++;
    if (this.#text.charAt(this.at) === '0') this.at++;
    else if (!this.#digits()) return this.refuse('in numeric literal');
    if (this.#text.charAt(this.at) === '.') {
      this.at++;
      if (!this.#digits()) return this.refuse('after decimal point in numeric literal');
    }
    if (!/[eE]/.test(this.#text.charAt(this.at))) return undefined;
    this.at++;
    if (/[-+]/.test(this.#text.charAt(this.at))) this.at++;
    return this.#digits() ? undefined : this.refuse('in exponent of numeric literal');
  }

  #digits(): boolean {
    const start = this.at;
    while (isDigit(this.#text.charAt(this.at))) this.at++;
    return this.at > start;
  }

  #string(): JsonFault | undefined {
    for (this.at++; this.at < this.#text.length; this.at++) {
      const c = this.#text.charAt(this.at);
      if (c === '"') {
        this.at++;
        return undefined;
      }
      if (c < ' ') return this.refuse('in string literal');
      const fault = c === '\\' ? this.#escape() : undefined;
      if (fault !== undefined) return fault;
    }
    return { text: 'unexpected end of JSON input', isCutOff: true };
  }

  /** Ends at the last character of what the backslash began. */
  #escape(): JsonFault | undefined {
    const c = this.#text.charAt(++this.at);
    if (c !== '' && escapes.includes(c)) return undefined;
    if (c !== 'u') return this.refuse('in string escape code');
    for (let i = 0; i < 4; i++) {
      this.at++;
      if (!/[0-9a-fA-F]/.test(this.#text.charAt(this.at))) return this.refuse('in \\u hexadecimal character escape'); // prettier-ignore
    }
    return undefined;
  }
}

function isDigit(c: string): boolean {
  return c >= '0' && c <= '9';
}
