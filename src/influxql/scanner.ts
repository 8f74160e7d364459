import { keywords, type Token } from './token.ts';

const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isIdentStart = (c: string): boolean => isLetter(c) || c === '_';
const isIdentPart = (c: string): boolean => isIdentStart(c) || isDigit(c);
const durationUnits = new Set(['n', 'u', 'µ', 'm', 's', 'h', 'd', 'w']);

/** The reference places a string one character before its quote. */
function oneBefore(token: Token): Token {
  return { ...token, column: token.column - 1 };
}

/**
 * Cuts InfluxQL text into tokens, on demand and without ever failing: what is wrong becomes a BAD token, so that the
 * parser can say what it had expected there.
 */
export class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 0;
  #lineStart = 0;
  /** After a word or a comma the reference places the end of the text one character further. */
  #afterWord = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token; white space and comments are passed over. */
  next(): Token {
    this.#skipBlank();
    const start = this.#at;
    const c = this.#text.charAt(start);
    if (c === '') return this.#token('EOF', '', this.#afterWord ? start + 1 : start);
    if (isIdentStart(c)) return this.#identifier();
    if (c === '"') return this.#quoted('"', 'IDENT');
    if (c === "'") return oneBefore(this.#quoted("'", 'STRING'));
    if (isDigit(c) || (c === '.' && isDigit(this.#text.charAt(start + 1)))) return this.#number();
    if (c === '$') return this.#bound();
    return this.#sign(c);
  }

  /** A regular expression, where the grammar allows one and the next character opens it; undefined otherwise. */
  regex(): Token | undefined {
    this.#skipBlank();
    const start = this.#at;
    if (this.#text.charAt(start) !== '/') return undefined;
    let source = '';
    for (let i = start + 1; i < this.#text.length; i++) {
      const c = this.#text.charAt(i);
      if (c === '/') {
        this.#at = i + 1;
        return this.#token('REGEX', source, start);
      }
      if (c === '\n') break;
      if (c === '\\' && this.#text.charAt(i + 1) === '/') {
        source += '/';
        i++;
      } else source += c;
    }
    this.#at = this.#text.length;
    return oneBefore(this.#token('BADREGEX', source, start));
  }

  #token(kind: string, text: string, start: number): Token {
    this.#afterWord = kind === 'IDENT' || kind === ',' || keywords.has(kind);
    return { kind, text, line: this.#line, column: start - this.#lineStart };
  }

  #skipBlank(): void {
    for (;;) {
      const c = this.#text.charAt(this.#at);
      if (c === '\n') {
        this.#at++;
        this.#line++;
        this.#lineStart = this.#at;
      } else if (c === ' ' || c === '\t' || c === '\r') this.#at++;
      else if (c === '-' && this.#text.charAt(this.#at + 1) === '-') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (c === '/' && this.#text.charAt(this.#at + 1) === '*') this.#skipBlockComment();
      else return;
    }
  }

  #skipBlockComment(): void {
    const end = this.#text.indexOf('*/', this.#at + 2);
    const stop = end < 0 ? this.#text.length : end + 2;
    for (; this.#at < stop; this.#at++)
      if (this.#text.charAt(this.#at) === '\n') {
        this.#line++;
        this.#lineStart = this.#at + 1;
      }
  }

  #identifier(): Token {
    const start = this.#at;
    let end = start;
    while (isIdentPart(this.#text.charAt(end)) && end < this.#text.length) end++;
    const text = this.#text.slice(start, end);
    this.#at = end;
    const upper = text.toUpperCase();
    return this.#token(keywords.has(upper) ? upper : 'IDENT', text, start);
  }

  #quoted(quote: string, kind: string): Token {
    const start = this.#at;
    let text = '';
    for (let i = start + 1; i < this.#text.length; i++) {
      const c = this.#text.charAt(i);
      if (c === quote) {
        this.#at = i + 1;
        const token = this.#token(kind, text, start);
        this.#afterWord = false;
        return token;
      }
      if (c === '\n') {
        this.#at = i;
        return this.#token('BADSTRING', text, start);
      }
      if (c !== '\\') {
        text += c;
        continue;
      }
      const escaped = this.#text.charAt(++i);
      if (escaped === 'n') text += '\n';
      else if (escaped === '\\' || escaped === '"' || escaped === "'") text += escaped;
      else {
        this.#at = i + 1;
        return this.#token('BADESCAPE', `\\${escaped}`, quote === "'" ? i + 1 : i);
      }
    }
    this.#at = this.#text.length;
    const token = this.#token('BADSTRING', text, start);
    return quote === '"' ? oneBefore(token) : token;
  }

  #number(): Token {
    const start = this.#at;
    let end = start;
    while (isDigit(this.#text.charAt(end))) end++;
    if (this.#text.charAt(end) === '.' && isDigit(this.#text.charAt(end + 1))) {
      end++;
      while (isDigit(this.#text.charAt(end))) end++;
      this.#at = end;
      return this.#token('NUMBER', this.#text.slice(start, end), start);
    }
    if (this.#text.charAt(end) === '.') {
      this.#at = end + 1;
      return this.#token('NUMBER', this.#text.slice(start, end), start);
    }
    if (!isLetter(this.#text.charAt(end)) && this.#text.charAt(end) !== 'µ') {
      this.#at = end;
      return this.#token('INTEGER', this.#text.slice(start, end), start);
    }
    let isDuration = true;
    while (end < this.#text.length) {
      const c = this.#text.charAt(end);
      if (isLetter(c) || c === 'µ') {
        if (!durationUnits.has(c)) isDuration = false;
        end++;
      } else if (isDigit(c)) end++;
      else break;
    }
    this.#at = end;
    const text = this.#text.slice(start, end);
    return this.#token(isDuration ? 'DURATIONVAL' : 'BADDURATION', text, start);
  }

  #bound(): Token {
    const start = this.#at++;
    const next = this.#text.charAt(this.#at);
    if (next === '"') return { ...this.#quoted('"', 'BOUND'), column: start - this.#lineStart };
    let end = this.#at;
    while (end < this.#text.length && isIdentPart(this.#text.charAt(end))) end++;
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return this.#token('BOUND', text, start);
  }

  #sign(c: string): Token {
    const start = this.#at;
    for (const sign of ['=~', '!~', '!=', '<>', '<=', '>=', '::'])
      if (this.#text.startsWith(sign, start)) {
        this.#at = start + sign.length;
        return this.#token(sign === '<>' ? '!=' : sign, sign, start);
      }
    this.#at = start + 1;
    const isKnown = '+-*/%&|^=<>(),;:.'.includes(c);
    return this.#token(isKnown ? c : 'BAD', c, start);
  }
}
