import { DbError, errorText } from '../base/errors.ts';
import { compileRegex, isAutomaton } from './regex.ts';
import { parseDurationNs } from './duration.ts';
import { ExprBuilder } from './expr-builder.ts';
import { fixedText } from './fixed-text.ts';
import { Scanner } from './scanner.ts';
import { tokenName, type Token } from './token.ts';

export type BoundValue =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'identifier'; readonly name: string }
  /** As it is written: a bad one is told where it is used. */
  | { readonly kind: 'duration'; readonly text: string }
  /** Nothing that can be bound; the text says why, and is told where it is used. */
  | { readonly kind: 'error'; readonly text: string };

/** Nested parentheses, subqueries and calls deeper than this end in an error rather than in a full stack. */
const depthMax = 500;

/**
 * Tokens with one of look-ahead, and the errors of the grammar in the reference's words. A bound parameter reads as the
 * token that its value is.
 */
/** Each takes tens of microseconds to look at, and ten kilobytes where it is used; a long one a microsecond for each four characters. */
const automataMax = 4_096;
const automataLengthMax = 1 << 16;

export class TokenReader {
  readonly build = new ExprBuilder();
  readonly #params: ReadonlyMap<string, BoundValue>;
  readonly #scanner: Scanner;
  #ahead: Token | undefined;
  #taken: Token | undefined;
  #depth = 0;
  #automatonCount = 0;
  #automataLength = 0;

  constructor(text: string, params: ReadonlyMap<string, BoundValue>) {
    this.#scanner = new Scanner(text);
    this.#params = params;
  }

  peek(): Token {
    this.#ahead ??= this.#bound(this.#scanner.next());
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#taken = token;
    this.#ahead = undefined;
    return token;
  }

  /** The same where a blank counts: what stands before the next token is a token of its own. */
  nextOrBlank(): Token {
    const token = this.next();
    return token.isAfterBlank === true ? this.#scanner.blank : token;
  }

  /** What was taken last. */
  get taken(): Token | undefined {
    return this.#taken;
  }

  /** Takes the next token when it is of this kind. */
  accept(kind: string): boolean {
    if (this.peek().kind !== kind) return false;
    this.next();
    return true;
  }

  /** The same where nothing may stand between this token and the one before. */
  acceptAtOnce(kind: string): boolean {
    return this.peek().isAfterBlank !== true && this.accept(kind);
  }

  /** The very next character; the next token must not have been looked at yet. */
  characterAtOnce(): string {
    return this.#ahead === undefined ? this.#scanner.character() : '';
  }

  /**
   * Whether `:MEASUREMENT` has to follow: where the reference looks for its colon. That is the very next character behind a
   * point, and otherwise the one behind the next token, of which white space is one as well.
   */
  isColonNext(): boolean {
    const isOpen = this.#taken?.kind === '.';
    if (isOpen && this.#ahead === undefined) return this.#scanner.character() === ':';
    const { isAfterBlank } = this.peek();
    return this.#scanner.colonFollows({ isBehindBlank: isAfterBlank === true });
  }

  /** Takes a row of keywords, each of which must be there. */
  expect(...kinds: readonly string[]): void {
    for (const kind of kinds) if (!this.accept(kind)) throw this.unexpected(kind);
  }

  /**
   * A regular expression, if one stands here; the next token must not have been looked at yet. `isAtOnce`: without a blank
   * before it.
   */
  acceptRegex({ isAtOnce = false } = {}): string | undefined {
    if (this.#ahead !== undefined) return undefined;
    const isBound = !isAtOnce && this.#scanner.aheadOfBlank() === '$';
    if (isBound && this.peek().kind !== 'REGEX') return undefined;
    const token = isBound ? this.next() : this.#scanner.regex({ isAtOnce });
    if (token === undefined) return undefined;
    this.#taken = token;
    if (token.kind === 'BADREGEX') throw syntaxErrorAt(token, 'bad regex: ');
    this.checkRegex(token);
    return token.text;
  }

  /** A pattern stands behind a whole name only after its point: the reference takes what is before the slash for one. */
  refusePattern(): void {
    const token = this.#ahead === undefined ? this.#scanner.beforeSlash() : undefined;
    if (token !== undefined) throw syntaxError(token, 'regex');
  }

  /** A parameter that is bound to a value is a token of it; one without a name stays unbound whatever there is. */
  #bound(token: Token): Token {
    if (token.kind !== 'BOUND' || token.text === '$') return token;
    const value = this.#params.get(token.text.slice(1));
    return value === undefined ? token : { ...token, ...boundToken(value) };
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= depthMax)
      throw new DbError('parse_error', `expression nested deeper than ${depthMax} levels`);
    this.#depth++;
    try {
      return parse();
    } finally {
      this.#depth--;
    }
  }

  identifier(): string {
    if (this.peek().kind !== 'IDENT') throw this.unexpected('identifier');
    return this.next().text;
  }

  string(): string {
    if (this.peek().kind !== 'STRING') throw this.unexpected('string');
    return this.next().text;
  }

  /** An integer in [min, max] of a named clause. */
  integer(min: number, max: number): number {
    const token = this.#integerToken();
    const value = BigInt(token.text);
    if (value !== BigInt.asIntN(64, value)) throw syntaxErrorAt(token, `strconv.Atoi: parsing "${token.text}": value out of range`); // prettier-ignore
    if (value < min || value > max)
      throw syntaxErrorAt(token, `invalid value ${value}: must be ${min} <= n <= ${max}`);
    return Number(value);
  }

  unsigned64(): bigint {
    const token = this.#integerToken();
    const value = BigInt(token.text);
    if (value === BigInt.asUintN(64, value)) return value;
    const reason = value < 0n ? 'invalid syntax' : 'value out of range';
    throw syntaxErrorAt(token, `strconv.ParseUint: parsing "${token.text}": ${reason}`);
  }

  /** The number of LIMIT and its like. What is more than an int64 holds is as good as one. */
  page(clause: string): number {
    const token = this.#integerToken();
    if (token.text.startsWith('-')) throw syntaxErrorAt(token, `${clause} must be >= 0`);
    return Math.min(Number(token.text), Number.MAX_SAFE_INTEGER);
  }

  #integerToken(): Token {
    if (this.peek().kind !== 'INTEGER') throw this.unexpected('integer');
    return this.next();
  }

  /** A duration in nanoseconds; `INF` gives 0. */
  durationNs(): bigint {
    const token = this.peek();
    if (token.kind === 'INF') {
      this.next();
      return 0n;
    }
    if (token.kind !== 'DURATIONVAL') throw this.unexpected('duration');
    this.next();
    try {
      return parseDurationNs(token.text);
    } catch (error) {
      throw syntaxErrorAt(token, errorText(error));
    }
  }

  /** The same for a token that was taken already. */
  unexpectedToken(token: Token, ...expected: readonly string[]): DbError {
    return syntaxError(token, ...expected);
  }

  /** Throws what Go says of a bad pattern, and for more patterns than a node should hold of one request. */
  checkRegex(token: Token): void {
    if (!isAutomaton(token.text)) return;
    this.#automataLength += token.text.length;
    if (++this.#automatonCount > automataMax)
      throw new DbError('parse_error', `more than ${automataMax} regular expressions in a request`); // prettier-ignore
    if (this.#automataLength > automataLengthMax)
      throw new DbError('parse_error', `regular expressions of more than ${automataLengthMax} characters in a request`); // prettier-ignore
    try {
      compileRegex(token.text);
    } catch (error) {
      throw syntaxErrorAt(token, errorText(error));
    }
  }

  /** The error of a token that no rule takes; `expected` lists what would have been. */
  unexpected(...expected: readonly string[]): DbError {
    return syntaxError(this.peek(), ...expected);
  }
}

export function syntaxError(token: Token, ...expected: readonly string[]): DbError {
  const found = token.text === '' ? tokenName(token.kind) : token.text;
  return syntaxErrorAt(token, `found ${found}, expected ${expected.join(', ')}`);
}

export function missingParameter(name: string): DbError {
  const text = name === '' ? 'empty bound parameter' : `missing parameter: ${name}`;
  return new DbError('parse_error', text);
}

function boundToken(value: BoundValue): Pick<Token, 'kind' | 'text'> {
  switch (value.kind) {
    case 'integer':
      return { kind: 'INTEGER', text: String(value.value) };
    case 'number':
      return { kind: 'NUMBER', text: fixedText(value.value) };
    case 'string':
      return { kind: 'STRING', text: value.value };
    case 'boolean':
      return { kind: value.value ? 'TRUE' : 'FALSE', text: '' };
    case 'regex':
      return { kind: 'REGEX', text: value.source };
    case 'identifier':
      return { kind: 'IDENT', text: value.name };
    case 'duration':
      return { kind: 'DURATIONVAL', text: value.text };
    case 'error':
      return { kind: 'BOUND', text: value.text };
  }
}

/** `text` followed by the token's place. */
export function syntaxErrorAt(token: Token, text: string): DbError {
  return new DbError('parse_error', `${text} at line ${token.line + 1}, char ${token.column + 1}`);
}
