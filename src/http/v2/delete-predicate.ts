import { quoteGo } from '../../base/go-format.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { Expr, Measurement } from '../../influxql/ast.ts';
import { joinTerms } from '../../influxql/expr-builder.ts';
import { parseWholeExpr } from '../../influxql/parse-expr.ts';
import { parseTimeLiteral } from '../../influxql/time-literal.ts';
import { rfc3339Fault } from './rfc3339-fault.ts';

/** What a DELETE of the v2 API asks for: measurements, none for all, and the condition of a DELETE statement. */
export interface DeleteTarget {
  readonly sources: readonly Measurement[];
  readonly condition: Expr | undefined;
}

export interface DeleteRange {
  readonly start: string;
  readonly stop: string;
  readonly predicate: string;
}

/**
 * The predicate and the range as a condition: equalities joined by AND, of which those of `_measurement` name measurements;
 * a value may stand in double quotes (spec 4.3). Throws `invalid_argument` with the reference's texts. Unlike there nothing
 * may follow the predicate: a parenthesis too much would cut off the range, and delete for all time.
 */
export function deleteTarget(
  { start, stop, predicate }: DeleteRange,
  place: { readonly database: string; readonly retentionPolicy: string },
): DeleteTarget {
  for (const [field, text] of Object.entries({ start, stop }))
    if (text === '') throw invalid(`delete - ${field} field in RFC3339Nano format required`);
  const range = `time >= '${rfc3339(start, 'start')}' AND time < '${rfc3339(stop, 'stop')}'`;
  const text = predicate === '' ? range : `${predicate} AND ${range}`;
  const terms = conjuncts(parsed(text));
  if (terms === undefined) {
    const { database, retentionPolicy } = place;
    const parts = { database, 'retention policy': retentionPolicy, start, stop, predicate };
    const said = Object.entries(parts).map(([name, value]) => `${name}: ${quoteGo(value)}`);
    throw invalid(`delete - predicate only supports equality operators and conjunctions. ${said.join(', ')}`); // prettier-ignore
  }
  const sources = terms.flatMap((term) => measurementOf(term) ?? []);
  const rest = terms.filter((term) => measurementOf(term) === undefined).map(withText);
  return { sources, condition: joinTerms('AND', rest) };
}

function parsed(text: string): Expr {
  try {
    return parseWholeExpr(text);
  } catch (error) {
    if (!isDbError(error)) throw error;
    throw invalid(`delete - cannot parse predicate ${quoteGo(text)}: ${error.message}`);
  }
}

function rfc3339(text: string, field: string): string {
  if (text.includes('T') && parseTimeLiteral(text) !== undefined) return text;
  const quoted = quoteGo(text);
  throw invalid(`delete - invalid format for ${field} field ${quoted}, please use RFC3339Nano: ${rfc3339Fault(text)}`); // prettier-ignore
}

/** The terms that AND joins; undefined where an operator stands that no predicate may have. */
function conjuncts(expr: Expr): readonly Expr[] | undefined {
  if (expr.kind === 'paren') return conjuncts(expr.expr);
  if (expr.kind !== 'binary') return [expr];
  if (['!=', '!~', 'OR'].includes(expr.operator)) return undefined;
  if (expr.operator !== 'AND') return [expr];
  const [left, right] = [conjuncts(expr.left), conjuncts(expr.right)];
  return left && right && [...left, ...right];
}

function measurementOf(term: Expr): Measurement | undefined {
  if (term.kind !== 'binary' || term.operator !== '=') return undefined;
  const { left, right } = term;
  if (left.kind !== 'ref' || left.name !== '_measurement') return undefined;
  if (right.kind !== 'ref' && right.kind !== 'string') return undefined;
  const name = right.kind === 'ref' ? right.name : right.value;
  return { kind: 'measurement', database: '', retentionPolicy: '', name };
}

/** `tag = "value"` means the text. */
function withText(term: Expr): Expr {
  if (term.kind !== 'binary' || term.operator !== '=') return term;
  const { left, right } = term;
  if (left.kind !== 'ref' || right.kind !== 'ref' || right.type !== undefined) return term;
  return { ...term, right: { kind: 'string', value: right.name } };
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
