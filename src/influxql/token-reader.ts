import { DbError, errorText } from '../base/errors.ts';
import { compileRegex } from './regex.ts';
import { parseDurationNs } from './duration.ts';
import { Scanner } from './scanner.ts';
import type { Token } from './token.ts';

export type BoundValue =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'identifier'; readonly name: string }
  | { readonly kind: 'duration'; readonly valueNs: bigint };

/** Nested parentheses, subqueries and calls deeper than this end in an error rather than in a full stack. */
const depthMax = 500;

/** Tokens with one of look-ahead, and the errors of the grammar in the reference's words. */
export class TokenReader {
  readonly params: ReadonlyMap<string, BoundValue>;
  readonly #scanner: Scanner;
  #ahead: Token | undefined;
  #depth = 0;

  constructor(text: string, params: ReadonlyMap<string, BoundValue>) {
    this.#scanner = new Scanner(text);
    this.params = params;
  }

  peek(): Token {
    this.#ahead ??= this.#scanner.next();
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    return token;
  }

  /** Takes the next token when it is of this kind. */
  accept(kind: string): boolean {
    if (this.peek().kind !== kind) return false;
    this.#ahead = undefined;
    return true;
  }

  /** Takes a row of keywords, each of which must be there. */
  expect(...kinds: readonly string[]): void {
    for (const kind of kinds) if (!this.accept(kind)) throw this.unexpected(kind);
  }

  /** A regular expression, if one stands here; the next token must not have been looked at yet. */
  acceptRegex(): string | undefined {
    if (this.#ahead !== undefined) return undefined;
    const token = this.#scanner.regex();
    if (token === undefined) return undefined;
    if (token.kind === 'BADREGEX') throw syntaxErrorAt(token, 'bad regex: ');
    try {
      compileRegex(token.text);
    } catch (error) {
      throw syntaxErrorAt({ ...token, column: token.column - 1 }, errorText(error));
    }
    return token.text;
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
    const token = this.peek();
    if (token.kind === 'IDENT') return this.next().text;
    if (token.kind === 'BOUND') {
      const value = this.params.get(token.text);
      if (value?.kind === 'identifier') {
        this.next();
        return value.name;
      }
    }
    throw this.unexpected('identifier');
  }

  string(): string {
    const token = this.peek();
    if (token.kind === 'STRING') return this.next().text;
    if (token.kind === 'BOUND') {
      const value = this.params.get(token.text);
      if (value?.kind === 'string') {
        this.next();
        return value.value;
      }
    }
    throw this.unexpected('string');
  }

  /** An integer in [min, max] of a named clause. */
  integer(min: number, max: number): number {
    const token = this.#integerToken();
    const value = Number(token.text);
    if (value < min || value > max)
      throw syntaxErrorAt(token, `invalid value ${token.text}: must be ${min} <= n <= ${max}`);
    return value;
  }

  unsigned64(): bigint {
    return BigInt(this.#integerToken().text);
  }

  /** An integer as it stands or as a bound parameter has it. */
  #integerToken(): Token {
    const token = this.peek();
    const value = token.kind === 'BOUND' ? this.params.get(token.text) : undefined;
    if (token.kind !== 'INTEGER' && value?.kind !== 'integer') throw this.unexpected('integer');
    this.next();
    return value?.kind === 'integer' ? { ...token, text: String(value.value) } : token;
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
    return parseDurationNs(token.text);
  }

  /** The same for a token that was taken already. */
  unexpectedToken(token: Token, ...expected: readonly string[]): DbError {
    return syntaxError(token, ...expected);
  }

  /** The error of a token that no rule takes; `expected` lists what would have been. */
  unexpected(...expected: readonly string[]): DbError {
    const token = this.peek();
    if (token.kind !== 'BOUND') return syntaxError(token, ...expected);
    const value = this.params.get(token.text);
    if (value === undefined) return missingParameter(token.text);
    const text = 'value' in value ? String(value.value) : 'name' in value ? value.name : token.text;
    return syntaxErrorAt(token, `found ${text}, expected ${expected.join(', ')}`);
  }
}

export function syntaxError(token: Token, ...expected: readonly string[]): DbError {
  if (token.kind === 'BADDURATION') return new DbError('parse_error', 'invalid duration');
  return syntaxErrorAt(token, `found ${tokenText(token)}, expected ${expected.join(', ')}`);
}

export function missingParameter(name: string): DbError {
  const text = name === '' ? 'empty bound parameter' : `missing parameter: ${name}`;
  return new DbError('parse_error', text);
}

/** `text` followed by the token's place. */
export function syntaxErrorAt(token: Token, text: string): DbError {
  return new DbError('parse_error', `${text} at line ${token.line + 1}, char ${token.column + 1}`);
}

function tokenText(token: Token): string {
  if (['IDENT', 'STRING', 'INTEGER', 'NUMBER', 'DURATIONVAL', 'REGEX'].includes(token.kind))
    return token.text;
  if (token.kind === 'BOUND') return `$${token.text}`;
  if (token.kind.startsWith('BAD')) return token.text;
  return token.kind;
}
