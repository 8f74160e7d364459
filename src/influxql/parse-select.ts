import { DbError } from '../base/errors.ts';
import type {
  BinaryOperator,
  Expr,
  Field,
  Fill,
  Measurement,
  Paging,
  SelectStatement,
  SortField,
  Source,
} from './ast.ts';
import { parseExpr } from './parse-expr.ts';
import { parseSegments } from './parse-segments.ts';
import type { TokenReader } from './token-reader.ts';
import { zoneName } from './zone-name.ts';

/** SELECT has been read. Clauses in the one order that the grammar knows (spec 6.3). */
export function parseSelect(
  reader: TokenReader,
  { into }: { readonly into: 'optional' | 'required' } = { into: 'optional' },
): SelectStatement {
  return reader.nested(() => {
    const fields = parseFields(reader);
    if (into === 'required' && reader.peek().kind !== 'INTO') throw reader.unexpected('INTO');
    const target = reader.accept('INTO') ? parseMeasurement(reader, { target: true }) : undefined;
    reader.expect('FROM');
    const sources = parseSources(reader, { subqueries: true });
    const condition = parseCondition(reader);
    const dimensions = parseDimensions(reader);
    const fill = parseFill(reader);
    const sortFields = parseOrderBy(reader);
    const paging = parsePaging(reader);
    const timeZone = parseTimeZone(reader);
    const statement: SelectStatement = {
      kind: 'select',
      fields,
      target,
      sources,
      condition,
      dimensions,
      fill,
      sortFields,
      timeZone,
      ...paging,
    };
    return statement;
  });
}

function parseFields(reader: TokenReader): Field[] {
  const fields: Field[] = [];
  do {
    const source = reader.acceptRegex();
    const start = source === undefined ? reader.peek() : undefined;
    const expr: Expr = source === undefined ? parseExpr(reader) : { kind: 'regex', source };
    const operator = conditionOperator(expr);
    if (start !== undefined && operator !== undefined) {
      const place = `in SELECT clause at line ${start.line + 1}, char ${start.column + 1}`;
      const hint = 'operator is intended for WHERE clause';
      throw new DbError('parse_error', `invalid operator ${operator} ${place}; ${hint}`);
    }
    const alias = reader.accept('AS') ? reader.identifier() : '';
    fields.push({ expr, alias });
  } while (reader.accept(','));
  return fields;
}

const arithmeticOperators: ReadonlySet<BinaryOperator> = new Set(['+', '-', '*', '/', '%', '&', '|', '^']); // prettier-ignore

/** The first operator of an expression that belongs in a condition. */
function conditionOperator(expr: Expr): BinaryOperator | undefined {
  if (expr.kind === 'paren') return conditionOperator(expr.expr);
  if (expr.kind === 'call')
    return expr.args.map(conditionOperator).find((one) => one !== undefined);
  if (expr.kind !== 'binary') return undefined;
  if (!arithmeticOperators.has(expr.operator)) return expr.operator;
  return conditionOperator(expr.left) ?? conditionOperator(expr.right);
}

/** measurement { "," measurement }, where each may be a regular expression or, if allowed, a subquery. */
export function parseSources(
  reader: TokenReader,
  { subqueries }: { readonly subqueries: boolean },
): Source[] {
  const sources: Source[] = [];
  do {
    const pattern = parsePattern(reader);
    if (pattern !== undefined) sources.push(pattern);
    else if (subqueries && reader.accept('(')) {
      reader.expect('SELECT');
      const statement = parseSelect(reader);
      reader.expect(')');
      sources.push({ kind: 'subquery', statement });
    } else sources.push(parseMeasurement(reader, { target: false }));
  } while (reader.accept(','));
  return sources;
}

/** One measurement, by name or by pattern. */
export function parseOneSource(reader: TokenReader): Measurement {
  return parsePattern(reader) ?? parseMeasurement(reader, { target: false });
}

function parsePattern(reader: TokenReader): Measurement | undefined {
  const regex = reader.acceptRegex();
  return regex === undefined ? undefined : measurement([''], regex);
}

/** name | policy.name | database.policy.name | database..name; a target may end in `:MEASUREMENT`. */
function parseMeasurement(
  reader: TokenReader,
  { target }: { readonly target: boolean },
): Measurement {
  const parts = parseSegments(reader, reader.identifier(), (count) => {
    if (!target && count < 3) reader.refusePattern();
  });
  if (parts.length === 3) return measurement(parts, undefined);
  const regex = target ? undefined : reader.acceptRegex({ isAtOnce: true });
  if (regex !== undefined) return measurement([...parts, ''], regex);
  if (!target || !reader.isColonNext()) return measurement(parts, undefined);
  reader.expect(':', 'MEASUREMENT');
  return measurement([...parts, ''], undefined);
}

function measurement(parts: readonly string[], regex: string | undefined): Measurement {
  const [name = '', retentionPolicy = '', database = ''] = [...parts].reverse();
  const head = { kind: 'measurement', database, retentionPolicy, name } as const;
  return regex === undefined ? head : { ...head, regex };
}

export function parseCondition(reader: TokenReader): Expr | undefined {
  return reader.accept('WHERE') ? parseExpr(reader) : undefined;
}

export function parseDimensions(reader: TokenReader): Expr[] {
  if (!reader.accept('GROUP')) return [];
  reader.expect('BY');
  const dimensions: Expr[] = [];
  do {
    const source = reader.acceptRegex();
    dimensions.push(source === undefined ? parseExpr(reader) : { kind: 'regex', source });
  } while (reader.accept(','));
  return dimensions;
}

function parseFill(reader: TokenReader): Fill | undefined {
  const token = reader.peek();
  if (token.kind !== 'IDENT' || token.text.toLowerCase() !== 'fill') return undefined;
  const call = parseExpr(reader);
  if (call.kind !== 'call') throw new DbError('parse_error', 'fill must be a function call');
  const [argument] = call.args;
  if (call.args.length !== 1 || argument === undefined)
    throw new DbError(
      'parse_error',
      'fill requires an argument, e.g.: 0, null, none, previous, linear',
    );
  if (argument.kind === 'ref' && argument.type === undefined) {
    const { name } = argument;
    if (name === 'null' || name === 'none' || name === 'previous' || name === 'linear')
      return { kind: name };
  }
  if (argument.kind === 'integer' || argument.kind === 'number')
    return { kind: 'number', value: argument.value };
  throw new DbError('parse_error', 'expected number argument in fill()');
}

export function parseOrderBy(reader: TokenReader): SortField[] {
  if (!reader.accept('ORDER')) return [];
  reader.expect('BY');
  const fields: SortField[] = [];
  do {
    const token = reader.peek();
    if (fields.length === 0 && (token.kind === 'ASC' || token.kind === 'DESC')) {
      reader.next();
      fields.push({ name: '', ascending: token.kind === 'ASC' });
    } else {
      if (token.kind !== 'IDENT')
        throw reader.unexpected('identifier', ...(fields.length === 0 ? ['ASC', 'DESC'] : []));
      const name = reader.identifier();
      const descending = !reader.accept('ASC') && reader.accept('DESC');
      if (fields.length === 0 && name !== 'time') throw notByTime();
      fields.push({ name, ascending: !descending });
    }
  } while (reader.accept(','));
  if (fields.length > 1) throw notByTime();
  return fields;
}

function notByTime(): DbError {
  return new DbError('parse_error', 'only ORDER BY time supported at this time');
}

export function parsePaging(reader: TokenReader): Paging {
  const read = (clause: string): number => (reader.accept(clause) ? reader.page(clause) : 0);
  const limit = read('LIMIT');
  const offset = read('OFFSET');
  const seriesLimit = read('SLIMIT');
  const seriesOffset = read('SOFFSET');
  return { limit, offset, seriesLimit, seriesOffset };
}

function parseTimeZone(reader: TokenReader): string | undefined {
  const token = reader.peek();
  if (token.kind !== 'IDENT' || token.text.toLowerCase() !== 'tz') return undefined;
  const call = parseExpr(reader);
  if (call.kind !== 'call') throw new DbError('parse_error', 'tz must be a function call');
  const [argument] = call.args;
  if (call.args.length !== 1 || argument === undefined)
    throw new DbError('parse_error', 'tz requires exactly one argument');
  if (argument.kind !== 'string')
    throw new DbError('parse_error', 'expected string argument in tz()');
  const name = zoneName(argument.value);
  if (name === undefined)
    throw new DbError('parse_error', `unable to find time zone ${argument.value}`);
  return name;
}
