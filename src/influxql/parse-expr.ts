import { DbError } from '../base/errors.ts';
import type { BinaryOperator, CastType, Expr } from './ast.ts';
import { parseDurationNs } from './duration.ts';
import {
  missingParameter,
  syntaxError,
  syntaxErrorAt,
  type BoundValue,
  type TokenReader,
} from './token-reader.ts';
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
  'tag',
  'field',
]);

/** expr = unary { operator unary }, by precedence, left to right. */
export function parseExpr(reader: TokenReader): Expr {
  return reader.nested(() => climb(reader, parseUnary(reader), 1));
}

function climb(reader: TokenReader, start: Expr, level: number): Expr {
  let left = start;
  for (;;) {
    const operator = reader.peek().kind;
    const own = precedence.get(operator);
    if (own === undefined || own < level) return left;
    reader.next();
    let right = operator === '=~' || operator === '!~' ? parseRegex(reader) : parseUnary(reader);
    for (;;) {
      const ahead = precedence.get(reader.peek().kind);
      if (ahead === undefined || ahead <= own) break;
      right = climb(reader, right, ahead);
    }
    left = { kind: 'binary', operator: operator as BinaryOperator, left, right };
  }
}

function parseRegex(reader: TokenReader): Expr {
  const source = reader.acceptRegex();
  if (source !== undefined) return { kind: 'regex', source };
  const token = reader.peek();
  const bound = token.kind === 'BOUND' ? reader.params.get(token.text) : undefined;
  if (bound?.kind === 'regex') {
    reader.next();
    return bound;
  }
  throw reader.unexpected('regex');
}

function parseUnary(reader: TokenReader): Expr {
  const token = reader.next();
  switch (token.kind) {
    case '(': {
      const expr = parseExpr(reader);
      if (!reader.accept(')')) throw reader.unexpected(')');
      return { kind: 'paren', expr };
    }
    case 'IDENT':
      return parseNamed(reader, token.text);
    case 'DISTINCT':
      return parseDistinct(reader);
    case 'STRING':
      return { kind: 'string', value: token.text };
    case 'NUMBER':
      return { kind: 'number', value: Number(token.text) };
    case 'INTEGER':
      return integerLiteral(token);
    case 'TRUE':
    case 'FALSE':
      return { kind: 'boolean', value: token.kind === 'TRUE' };
    case 'DURATIONVAL':
      return { kind: 'duration', valueNs: parseDurationNs(token.text) };
    case '*':
      return parseWildcard(reader);
    case '-':
    case '+':
      return parseSigned(reader, token.kind === '-');
    case 'BOUND':
      return boundExpr(reader.params.get(token.text), token.text);
    default:
      throw syntaxError(token, 'identifier', 'string', 'number', 'bool');
  }
}

function parseSigned(reader: TokenReader, negative: boolean): Expr {
  const ahead = reader.peek().kind;
  if (!['NUMBER', 'INTEGER', 'DURATIONVAL', 'IDENT', '(', 'DISTINCT'].includes(ahead))
    throw reader.unexpected('identifier', 'number', 'duration', '(');
  const operand = parseUnary(reader);
  if (!negative) return operand;
  switch (operand.kind) {
    case 'number':
      return { kind: 'number', value: -operand.value };
    case 'integer':
      return { kind: 'integer', value: -operand.value };
    case 'unsigned':
      if (operand.value === 9223372036854775808n)
        return { kind: 'integer', value: -9223372036854775808n };
      throw new DbError('parse_error', `constant -${operand.value} underflows int64`);
    case 'duration':
      return { kind: 'duration', valueNs: -operand.valueNs };
    default:
      return {
        kind: 'binary',
        operator: '*',
        left: { kind: 'integer', value: -1n },
        right: operand,
      };
  }
}

function integerLiteral(token: Token): Expr {
  const value = BigInt(token.text);
  if (value <= 9223372036854775807n) return { kind: 'integer', value };
  if (value <= 18446744073709551615n) return { kind: 'unsigned', value };
  throw syntaxErrorAt(token, 'unable to parse integer');
}

function parseWildcard(reader: TokenReader): Expr {
  if (!reader.accept('::')) return { kind: 'wildcard' };
  const token = reader.next();
  const of = token.kind === 'TAG' || token.kind === 'FIELD' ? token.kind : undefined;
  if (of === undefined) throw syntaxError(token, 'field', 'tag');
  return { kind: 'wildcard', of: of === 'TAG' ? 'tag' : 'field' };
}

function parseDistinct(reader: TokenReader): Expr {
  if (reader.accept('(')) {
    const args = parseArguments(reader);
    return { kind: 'call', name: 'distinct', args };
  }
  if (reader.peek().kind !== 'IDENT') throw reader.unexpected('(', 'identifier');
  return { kind: 'distinct', name: reader.next().text };
}

/** A call, or a reference of dotted parts with a cast. */
function parseNamed(reader: TokenReader, first: string): Expr {
  if (reader.accept('('))
    return { kind: 'call', name: first.toLowerCase(), args: parseArguments(reader) };
  let name = first;
  while (reader.accept('.')) name += `.${reader.identifier()}`;
  if (!reader.accept('::')) return { kind: 'ref', name };
  const token = reader.next();
  const type = token.kind === 'IDENT' ? token.text.toLowerCase() : token.kind.toLowerCase();
  if (!castTypes.has(type))
    throw syntaxError(token, 'float', 'integer', 'unsigned', 'string', 'boolean', 'field', 'tag');
  return { kind: 'ref', name, type: type as CastType };
}

function parseArguments(reader: TokenReader): Expr[] {
  const args: Expr[] = [];
  const one = (): void => {
    const source = reader.acceptRegex();
    args.push(source === undefined ? parseExpr(reader) : { kind: 'regex', source });
  };
  const source = reader.acceptRegex();
  if (source !== undefined) args.push({ kind: 'regex', source });
  else if (reader.accept(')')) return args;
  else args.push(parseExpr(reader));
  while (reader.accept(',')) one();
  if (!reader.accept(')')) throw reader.unexpected(')');
  return args;
}

function boundExpr(bound: BoundValue | undefined, name: string): Expr {
  if (bound === undefined) throw missingParameter(name);
  return bound.kind === 'identifier' ? { kind: 'ref', name: bound.name } : bound;
}
