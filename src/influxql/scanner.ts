import { CharacterCount } from './character-count.ts';
import { keywords, type Token } from './token.ts';

const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isIdentStart = (c: string): boolean => isLetter(c) || c === '_';
const identifierForm = /[A-Za-z0-9_]*/y;
const digitsForm = /[0-9]*/y;
const durationForm = /[A-Za-z0-9µ]*/y;
const beforeSlashForm = /(?:[ \t\r\n]+|\/\*[^]*?\*\/|::|!=|=~|!~|<>|<=|>=|[^\w\s"'.$])(?=\/)/y;
const keywordLengthMax = Math.max(...[...keywords].map((keyword) => keyword.length));
const signs = '+-*/%&|^=<>(),;:.';
const signPairs: ReadonlySet<string> = new Set(['=~', '!~', '!=', '<>', '<=', '>=', '::']);
const newlineCode = 10;
const minusCode = 45;
const slashCode = 47;
const lineEnd = /[\n\0]/g;
const blankForm = /[ \t\r\n]*/y;
const oneBlankForm = /[ \t\r\n]+|\/\*[^]*?\*\/|--[^\n]*\n?/y;

/**
 * Cuts InfluxQL text into tokens, on demand and without ever failing: what is wrong becomes a BAD token, so that the
 * parser can say what it had expected there.
 */
export class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 0;
  #lineStart = 0;
  /** After a word, white space or a look for a pattern the reference places the end of the text one character further. */
  #afterWord = false;
  #isAfterBlank = false;
  #blank = { start: 0, line: 0, lineStart: 0 };
  /** A zero byte ends the text for the reference, which counts no column of the line behind one. */
  #countedEnd = Number.MAX_SAFE_INTEGER;
  readonly #characters: CharacterCount;

  constructor(text: string) {
    // No name of a statement may be bytes that are no UTF-8 (base/exact-text.ts), whatever a client says.
    const told = text.toWellFormed();
    // The reference reads each carriage return as the end of a line, with a line feed behind it as one.
    this.#text = told.includes('\r') ? told.replaceAll(/\r\n?/g, '\n') : told;
    this.#characters = new CharacterCount(this.#text);
  }

  /** The next token; white space and comments are passed over. */
  next(): Token {
    const end = this.#at;
    this.#blank.start = end;
    this.#blank.line = this.#line;
    this.#blank.lineStart = this.#lineStart;
    const openComment = this.#skipBlank();
    this.#isAfterBlank = (openComment?.start ?? this.#at) > end;
    if (openComment !== undefined)
      return { ...openComment.token, isAfterBlank: this.#isAfterBlank };
    return this.#cut();
  }

  /** The white space before the token that was cut last, as a token; one without a text where a comment begins there. */
  get blank(): Token {
    const { start, line, lineStart } = this.#blank;
    blankForm.lastIndex = start;
    const [text = ''] = blankForm.exec(this.#text) ?? [];
    return { kind: '', text, line, column: this.#column(start, lineStart) };
  }

  /** A look at what stands here, '' at the end. */
  character(): string {
    if (this.#at === this.#text.length) this.#afterWord = true;
    return this.#text.charAt(this.#at);
  }

  /** Whether a colon stands behind the token that was cut last, or behind the white space or comment before it. */
  colonFollows({ isBehindBlank }: { readonly isBehindBlank: boolean }): boolean {
    if (!isBehindBlank) return this.#text.charAt(this.#at) === ':';
    const { start } = this.#blank;
    oneBlankForm.lastIndex = start;
    return (
      oneBlankForm.exec(this.#text) !== null && this.#text.charAt(oneBlankForm.lastIndex) === ':'
    );
  }

  #cut(): Token {
    const start = this.#at;
    const c = this.#text.charAt(start);
    if (c === '\0') this.#countNoFurther();
    if (c === '' || c === '\0') return this.#token('EOF', '', this.#afterWord ? start + 1 : start);
    if (isIdentStart(c)) return this.#identifier();
    if (c === '"') return this.#quoted('"', 'IDENT');
    if (c === "'") return this.#oneBefore(this.#quoted("'", 'STRING'), start);
    if (isDigit(c) || (c === '.' && isDigit(this.#text.charAt(start + 1)))) return this.#number();
    if (c === '$') return this.#bound();
    return this.#sign(c);
  }

  /** The blank or the sign that follows at once, where a slash stands behind it. */
  beforeSlash(): Token | undefined {
    beforeSlashForm.lastIndex = this.#at;
    const [found] = beforeSlashForm.exec(this.#text) ?? [];
    if (found === undefined) return undefined;
    // A comment is a token without a name.
    return this.#token('', found.startsWith('/*') ? '' : found, this.#at);
  }

  /** The next character that is not white space, without a step: '' at the end. */
  aheadOfBlank(): string {
    this.#skipSpace();
    return this.#text.charAt(this.#at);
  }

  /**
   * A regular expression, where the grammar allows one and the next character opens it; undefined otherwise. A comment
   * reads as one there. `isAtOnce`: no blank stands before it.
   */
  regex({ isAtOnce = false } = {}): Token | undefined {
    if (!isAtOnce) this.#skipSpace();
    const start = this.#at;
    if (start === this.#text.length) this.#afterWord = true;
    if (this.#text.charAt(start) !== '/') return undefined;
    let source = '';
    for (let i = start + 1; i < this.#text.length; i++) {
      const c = this.#text.charAt(i);
      if (c === '/') {
        this.#at = i + 1;
        return this.#oneBefore(this.#token('REGEX', source, start), start);
      }
      if (c === '\n' || c === '\0') break;
      if (c === '\\' && this.#text.charAt(i + 1) === '/') {
        source += '/';
        i++;
      } else source += c;
    }
    this.#at = this.#text.length;
    return this.#oneBefore(this.#token('BADREGEX', source, start), start);
  }

  #token(kind: string, text: string, start: number): Token {
    this.#afterWord = kind === 'IDENT' || kind === 'BOUND' || keywords.has(kind);
    const column = Math.max(0, this.#column(Math.min(start, this.#countedEnd)));
    return { kind, text, line: this.#line, column, isAfterBlank: this.#isAfterBlank };
  }

  /** How many characters stand in front of a place in its line. */
  #column(at: number, lineStart = this.#lineStart): number {
    return this.#characters.between(lineStart, at);
  }

  /** The reference places a string one character before its quote: of a line's first at the end of the line before. */
  #oneBefore(token: Token, start: number): Token {
    const { line, column } = token;
    if (column > 0 || line === 0 || start !== this.#lineStart) return { ...token, column: Math.max(0, column - 1) }; // prettier-ignore
    const before = start < 2 ? -1 : this.#text.lastIndexOf('\n', start - 2);
    return { ...token, line: line - 1, column: this.#column(start - 1, before + 1) };
  }

  /** White space and comments; the token of a comment that does not end, and where it begins. */
  #skipBlank(): { readonly token: Token; readonly start: number } | undefined {
    for (;;) {
      this.#skipSpace();
      const start = this.#at;
      const c = this.#text.charCodeAt(start);
      if (c !== minusCode && c !== slashCode) return undefined;
      if (this.#text.startsWith('--', start)) {
        this.#skipLineComment();
      } else if (this.#text.startsWith('/*', start)) {
        const token = this.#token('BAD', '', start);
        if (!this.#skipBlockComment()) return { token, start };
        this.#afterWord = false;
      } else return undefined;
    }
  }

  #skipSpace(): void {
    const start = this.#at;
    this.#passSpace();
    if (this.#at > start) this.#afterWord = this.#at === this.#text.length;
  }

  #passSpace(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === newlineCode) this.#passNewline();
      else if (c === 32 || c === 9 || c === 13) this.#at++;
      else return;
      if (this.#text.charCodeAt(this.#at) === 0) this.#passZeroByte();
    }
  }

  #passNewline(): void {
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  /** One behind white space or within a word is passed over with it. */
  #passZeroByte(): void {
    this.#countNoFurther();
    this.#at++;
  }

  #countNoFurther(): void {
    this.#countedEnd = Math.min(this.#countedEnd, this.#at + 1);
  }

  /** A zero byte ends it as a newline does, and is passed over; at the end of the text it takes that for its own. */
  #skipLineComment(): void {
    lineEnd.lastIndex = this.#at;
    const end = lineEnd.exec(this.#text)?.index;
    this.#at = end ?? this.#text.length;
    if (end === undefined) this.#afterWord = true;
    else if (this.#text.charCodeAt(end) === 0) this.#passZeroByte();
    else {
      this.#passNewline();
      this.#afterWord = false;
    }
  }

  /** False when it does not end, which it does not where a zero byte stands before its end. */
  #skipBlockComment(): boolean {
    const end = this.#text.indexOf('*/', this.#at + 2);
    const stop = end < 0 ? this.#text.length : end + 2;
    for (; this.#at < stop; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === 0) {
        this.#passZeroByte();
        return false;
      }
      if (c === newlineCode) {
        this.#line++;
        this.#lineStart = this.#at + 1;
      }
    }
    return end >= 0;
  }

  #identifier(): Token {
    const start = this.#at;
    let text = this.#take(identifierForm);
    while (this.#text.charCodeAt(this.#at) === 0) {
      this.#passZeroByte();
      text += this.#take(identifierForm);
    }
    // The reference takes `word"name"` for the name alone.
    if (this.#text.charAt(this.#at) === '"') {
      const token = this.#quoted('"', 'IDENT');
      return token.kind === 'IDENT' ? { ...token, column: this.#column(start) } : token;
    }
    if (text.length <= keywordLengthMax) {
      const upper = text.toUpperCase();
      if (keywords.has(upper)) return this.#token(upper, '', start);
    }
    return this.#token('IDENT', text, start);
  }

  /** A whole character, '' behind the end. */
  #character(at: number): string {
    const code = this.#text.codePointAt(at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  /** What a sticky pattern, which always matches, takes from here on. */
  #take(form: RegExp): string {
    const start = this.#at;
    form.lastIndex = start;
    form.test(this.#text);
    this.#at = form.lastIndex;
    return this.#text.slice(start, this.#at);
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
      if (c === '\n' || c === '\0') {
        this.#at = i;
        const token = this.#token('BADSTRING', text, start);
        return quote === '"' ? this.#oneBefore(token, start) : token;
      }
      if (c !== '\\') {
        text += c;
        continue;
      }
      const escaped = this.#character(++i);
      if (escaped === 'n') text += '\n';
      else if (escaped === '\\' || escaped === '"' || escaped === "'") text += escaped;
      else {
        this.#at = i + escaped.length;
        return this.#token('BADESCAPE', `\\${escaped}`, quote === "'" ? this.#at : i);
      }
    }
    this.#at = this.#text.length;
    const token = this.#token('BADSTRING', text, start);
    return quote === '"' ? this.#oneBefore(token, start) : token;
  }

  #number(): Token {
    const start = this.#at;
    let text = this.#take(digitsForm);
    if (this.#text.charAt(this.#at) === '.') {
      // A point without a digit behind it belongs to the number, and is no part of its text.
      this.#at++;
      const fraction = this.#take(digitsForm);
      if (fraction !== '') text += `.${fraction}`;
      return this.#token('NUMBER', text, start);
    }
    const unit = this.#text.charAt(this.#at);
    if (!isLetter(unit) && unit !== 'µ') return this.#token('INTEGER', text, start);
    text += this.#take(durationForm);
    return this.#token('DURATIONVAL', text, start);
  }

  #bound(): Token {
    const start = this.#at++;
    const name = this.#take(identifierForm);
    // As of a word, what is quoted behind it takes its place.
    if (this.#text.charAt(this.#at) === '"') return this.#boundQuoted(start);
    return this.#token('BOUND', `$${name}`, start);
  }

  #boundQuoted(start: number): Token {
    const token = this.#quoted('"', 'BOUND');
    return { ...token, text: `$${token.text}`, column: this.#column(start) };
  }

  #sign(c: string): Token {
    const start = this.#at;
    const pair = c + this.#text.charAt(start + 1);
    if (signPairs.has(pair)) {
      this.#at = start + 2;
      return this.#token(pair === '<>' ? '!=' : pair, '', start);
    }
    const sign = this.#character(start);
    this.#at = start + sign.length;
    return signs.includes(c) ? this.#token(c, '', start) : this.#token('BAD', sign, start);
  }
}
