import { DbError } from '../base/errors.ts';
import type { BinaryOperator, CastType, Expr } from './ast.ts';
import { parseDurationNs } from './duration.ts';
import { parseSegments } from './parse-segments.ts';
import { missingParameter, syntaxError, syntaxErrorAt, TokenReader } from './token-reader.ts';
import type { Token } from './token.ts';

const precedence: ReadonlyMap<string, number> = new Map([
  ['OR', 1],
  ['AND', 2],
  ['=', 3],
  ['!=', 3],
  ['=~', 3],
  ['!~', 3],
  ['<', 3],
  ['<=', 3],
  ['>', 3],
  ['>=', 3],
  ['+', 4],
  ['-', 4],
  ['|', 4],
  ['^', 4],
  ['*', 5],
  ['/', 5],
  ['%', 5],
  ['&', 5],
]);

const castTypes: ReadonlySet<string> = new Set<CastType>([
  'float',
  'integer',
  'unsigned',
  'string',
  'boolean',
]);

/** expr = unary { operator unary }, by precedence, left to right. The tree is no deeper than any walk of it can bear. */
export function parseExpr(reader: TokenReader): Expr {
  return reader.nested(() => climb(reader, parseUnary(reader), 1));
}

/** A text that is one expression and nothing else. */
export function parseWholeExpr(text: string): Expr {
  const reader = new TokenReader(text, new Map());
  const expr = parseExpr(reader);
  if (reader.peek().kind !== 'EOF') throw reader.unexpected('EOF');
  return expr;
}

/**
 * Terms joined by operators of `level` and above. Chains of AND and of OR are gathered first: they mean the same however
 * they are nested, and thousands of terms are common.
 */
function climb(reader: TokenReader, start: Expr, level: number): Expr {
  const { build } = reader;
  let left = start;
  for (;;) {
    const operator = reader.peek().kind as BinaryOperator;
    const own = precedence.get(operator);
    if (own === undefined || own < level) return left;
    let { depth } = build;
    if (operator === 'AND' || operator === 'OR') {
      const terms = [left];
      while (reader.accept(operator)) {
        terms.push(parseOperand(reader, operator, own));
        depth = Math.max(depth, build.depth);
      }
      left = build.join(operator, terms, depth);
    } else {
      reader.next();
      const right = parseOperand(reader, operator, own);
      left = build.above(Math.max(depth, build.depth), { kind: 'binary', operator, left, right });
    }
  }
}

/** The right side of an operator, with all that binds tighter. */
function parseOperand(reader: TokenReader, operator: BinaryOperator, own: number): Expr {
  const isMatch = operator === '=~' || operator === '!~';
  return climb(reader, isMatch ? parseRegex(reader) : parseUnary(reader), own + 1);
}

function parseRegex(reader: TokenReader): Expr {
  const source = reader.acceptRegex();
  if (source === undefined) throw reader.unexpected('regex');
  return reader.build.leaf({ kind: 'regex', source });
}

function parseUnary(reader: TokenReader): Expr {
  const token = reader.next();
  const { build } = reader;
  switch (token.kind) {
    case '(': {
      const expr = parseExpr(reader);
      if (!reader.accept(')')) throw reader.unexpected(')');
      return build.above(build.depth, { kind: 'paren', expr });
    }
    case 'IDENT':
      return parseNamed(reader, token.text);
    case 'DISTINCT':
      return parseDistinct(reader);
    case '*':
      return build.leaf(parseWildcard(reader));
    case '-':
    case '+':
      return parseSigned(reader, token.kind === '-');
    default:
      if (token.kind === 'REGEX') reader.checkRegex(token);
      return build.leaf(parseLiteral(token));
  }
}

function parseLiteral(token: Token): Expr {
  switch (token.kind) {
    case 'STRING':
      return { kind: 'string', value: token.text };
    case 'NUMBER':
      return { kind: 'number', value: numberValue(token) };
    case 'INTEGER':
      return integerLiteral(token);
    case 'TRUE':
    case 'FALSE':
      return { kind: 'boolean', value: token.kind === 'TRUE' };
    case 'DURATIONVAL':
      return { kind: 'duration', valueNs: parseDurationNs(token.text) };
    case 'REGEX':
      return { kind: 'regex', source: token.text };
    case 'BOUND':
      throw missingParameter(token.text.replace(/^\$/, ''));
    default:
      throw syntaxError(token, 'identifier', 'string', 'number', 'bool');
  }
}

function parseSigned(reader: TokenReader, negative: boolean): Expr {
  const ahead = reader.peek().kind;
  if (!['NUMBER', 'INTEGER', 'DURATIONVAL', 'IDENT', '('].includes(ahead))
    throw reader.unexpected('identifier', 'number', 'duration', '(');
  const operand = parseUnary(reader);
  switch (operand.kind) {
    case 'number':
      return negative ? { kind: 'number', value: -operand.value } : operand;
    case 'integer':
      return negative ? { kind: 'integer', value: BigInt.asIntN(64, -operand.value) } : operand;
    case 'unsigned':
      if (!negative) return operand;
      if (operand.value === 9223372036854775808n)
        return { kind: 'integer', value: -9223372036854775808n };
      throw new DbError('parse_error', `constant -${operand.value} underflows int64`);
    case 'duration':
      return negative ? { kind: 'duration', valueNs: -operand.valueNs } : operand;
    default: {
      const left: Expr = { kind: 'integer', value: negative ? -1n : 1n };
      const { depth } = reader.build;
      return reader.build.above(depth, { kind: 'binary', operator: '*', left, right: operand });
    }
  }
}

function numberValue(token: Token): number {
  const value = Number(token.text);
  if (!Number.isFinite(value)) throw syntaxErrorAt(token, 'unable to parse number');
  return value;
}

function integerLiteral(token: Token): Expr {
  const value = BigInt(token.text);
  if (value <= 9223372036854775807n) return { kind: 'integer', value };
  if (value <= 18446744073709551615n) return { kind: 'unsigned', value };
  throw syntaxErrorAt(token, 'unable to parse integer');
}

function parseWildcard(reader: TokenReader): Expr {
  if (!reader.acceptAtOnce('::')) return { kind: 'wildcard' };
  const token = reader.nextOrBlank();
  const of = token.kind === 'TAG' || token.kind === 'FIELD' ? token.kind : undefined;
  if (of === undefined) throw syntaxError(token, 'field', 'tag');
  return { kind: 'wildcard', of: of === 'TAG' ? 'tag' : 'field' };
}

/** `distinct(...)`, or `DISTINCT name`. */
function parseDistinct(reader: TokenReader): Expr {
  if (reader.acceptAtOnce('(')) return parseCall(reader, 'distinct');
  const blank = reader.nextOrBlank();
  const token = reader.taken ?? blank;
  if (blank === token || blank.text === '') throw syntaxError(blank, '(', 'identifier');
  if (token.kind !== 'IDENT') throw syntaxError(token, 'identifier');
  return reader.build.leaf({ kind: 'distinct', name: token.text });
}

/** A call, or a reference of dotted parts with a cast. */
function parseNamed(reader: TokenReader, first: string): Expr {
  if (reader.acceptAtOnce('(')) return parseCall(reader, first.toLowerCase());
  const name = parseSegments(reader, first).join('.');
  const leaf = (expr: Expr): Expr => reader.build.leaf(expr);
  if (!reader.acceptAtOnce('::')) return leaf({ kind: 'ref', name });
  const token = reader.nextOrBlank();
  if (token.kind === 'FIELD' || token.kind === 'TAG')
    return leaf({ kind: 'ref', name, type: token.kind === 'FIELD' ? 'field' : 'tag' });
  const type = token.kind === 'IDENT' ? token.text.toLowerCase() : '';
  if (castTypes.has(type)) return leaf({ kind: 'ref', name, type: type as CastType });
  // The reference forgets one type when what stands there is no name at all.
  const unsigned = token.kind === 'IDENT' ? ['unsigned'] : [];
  throw syntaxError(token, 'float', 'integer', ...unsigned, 'string', 'boolean', 'field', 'tag');
}

function parseCall(reader: TokenReader, name: string): Expr {
  const { build } = reader;
  const args: Expr[] = [];
  let depth = 0;
  const close = (): Expr => build.above(depth, { kind: 'call', name, args });
  for (;;) {
    const source = reader.acceptRegex();
    if (source !== undefined) args.push({ kind: 'regex', source });
    else if (args.length === 0 && reader.acceptAtOnce(')')) return close();
    else {
      args.push(parseExpr(reader));
      depth = Math.max(depth, build.depth);
    }
    if (reader.accept(',')) continue;
    if (!reader.accept(')')) throw reader.unexpected(')');
    return close();
  }
}
