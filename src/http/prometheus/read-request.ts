import { DbError, errorText } from '../../base/errors.ts';
import { maxTimeNs, millisecondNs, minTimeNs } from '../../base/units.ts';
import type { BinaryOperator, Expr } from '../../influxql/ast.ts';
import { joinTerms } from '../../influxql/expr-builder.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { WireReader } from './wire-reader.ts';

/** Numbers of the fields of Prometheus' remote read (prompb, spec 4.4). */
const fields = { queries: 1, startMs: 1, endMs: 2, matchers: 3, type: 1, name: 2, value: 3 };

/** The field that remote write writes. */
export const valueField = 'value';
const timeName = 'time';
/** The labels that name the measurement: Prometheus', and that of the storage there. */
const nameLabels: readonly string[] = ['__name__', '_measurement'];
/** What is the same of all series: there is one field, and no tag of the name of the time. */
const fixedLabels: ReadonlyMap<string, string> = new Map([
  ['_field', valueField],
  [timeName, ''],
]);

/** What a remote read asks for: measurements by their name, series by their tags, [startNs, endNs). */
export interface RemoteRead {
  readonly isNamed: (measurement: string) => boolean;
  readonly condition: Expr;
}

interface Matcher {
  readonly type: number;
  readonly name: string;
  readonly value: string;
}

/** By the number of a matcher's type: equal, not equal, matches, does not match. */
const operators: readonly BinaryOperator[] = ['=', '!=', '=~', '!~'];

/** Throws `invalid_argument` with the reference's texts. */
export function parseReadRequest(message: Uint8Array): RemoteRead {
  const queries: WireReader[] = [];
  const request = new WireReader(message);
  for (let field = request.next(); field !== undefined; field = request.next())
    if (field === fields.queries) queries.push(request.message());
    else request.skip();
  const [query, other] = queries;
  if (query === undefined || other !== undefined)
    throw invalid('Prometheus read endpoint currently only supports one query at a time');
  return readOf(query);
}

function readOf(query: WireReader): RemoteRead {
  let startMs = 0n;
  let endMs = 0n;
  const matchers: Matcher[] = [];
  for (let field = query.next(); field !== undefined; field = query.next()) {
    if (field === fields.startMs) startMs = query.int64();
    else if (field === fields.endMs) endMs = query.int64();
    else if (field === fields.matchers) matchers.push(matcherOf(query.message()));
    else query.skip();
  }
  if (matchers.length === 0) throw invalid('expected matcher');
  const names: ((measurement: string) => boolean)[] = [];
  const tags: Expr[] = [];
  for (const matcher of matchers) {
    const fixed = fixedLabels.get(matcher.name);
    if (nameLabels.includes(matcher.name)) names.push(textTest(matcher));
    else if (fixed === undefined) tags.push(tagTerm(matcher));
    else {
      const holds = textTest(matcher)(fixed);
      names.push(() => holds);
    }
  }
  const range = [timeTerm('>=', startMs), timeTerm('<', endMs)];
  const condition = joinTerms('AND', [...tags, ...range]) ?? timeTerm('>=', startMs);
  return {
    isNamed: (measurement) => names.every((test) => test(measurement)),
    condition,
  };
}

function matcherOf(matcher: WireReader): Matcher {
  let type = 0;
  let name = '';
  let value = '';
  for (let field = matcher.next(); field !== undefined; field = matcher.next()) {
    if (field === fields.type) type = Number(matcher.int64());
    else if (field === fields.name) name = matcher.text();
    else if (field === fields.value) value = matcher.text();
    else matcher.skip();
  }
  if (operators[type] === undefined) throw invalid(`unknown match type ${type}`);
  return { type, name, value };
}

/** Patterns hold for whole values, as in PromQL. */
function patternOf(value: string): string {
  return `^(?:${value})$`;
}

function checkedRegex(source: string): (text: string) => boolean {
  try {
    return compileRegex(source);
  } catch (error) {
    throw invalid(errorText(error));
  }
}

function textTest({ type, value }: Matcher): (text: string) => boolean {
  const operator = operators[type];
  const isPattern = operator === '=~' || operator === '!~';
  const matches = isPattern ? checkedRegex(patternOf(value)) : (text: string) => text === value;
  const isWanted = operator === '=' || operator === '=~';
  return (text) => matches(text) === isWanted;
}

function tagTerm({ type, name, value }: Matcher): Expr {
  const operator = operators[type] ?? '=';
  const tag: Expr = { kind: 'ref', name, type: 'tag' };
  if (operator === '=' || operator === '!=')
    return binary(operator, tag, { kind: 'string', value });
  const source = patternOf(value);
  checkedRegex(source);
  return binary(operator, tag, { kind: 'regex', source });
}

function timeTerm(operator: BinaryOperator, timeMs: bigint): Expr {
  const timeNs = timeMs * millisecondNs;
  const value = timeNs < minTimeNs ? minTimeNs : timeNs > maxTimeNs ? maxTimeNs : timeNs;
  return binary(operator, { kind: 'ref', name: timeName, type: undefined }, { kind: 'integer', value }); // prettier-ignore
}

function binary(operator: BinaryOperator, left: Expr, right: Expr): Expr {
  return { kind: 'binary', operator, left, right };
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
