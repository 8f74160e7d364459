import { DbError } from '../../base/errors.ts';
import type { Expr, Field } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { callNames, type CallName } from '../assemble/calls.ts';
import { sortedNames, type MeasurementSchema } from './schema.ts';

export interface SelectedColumn {
  readonly name: string;
  readonly of: 'field' | 'tag';
  readonly label: string;
}

export interface SelectedCall {
  readonly call: CallName;
  readonly field: string;
  readonly label: string;
}

export type Selected =
  | { readonly kind: 'columns'; readonly columns: readonly SelectedColumn[] }
  | { readonly kind: 'calls'; readonly calls: readonly SelectedCall[] };

/** The functions of the language that are still to come (spec 6.4); any other name is unknown. */
const laterFunctions: ReadonlySet<string> = new Set(
  (
    'abs acos asin atan atan2 bottom ceil chande_momentum_oscillator cos count_hll cumulative_sum derivative ' +
    'difference distinct double_exponential_moving_average elapsed exp exponential_moving_average floor holt_winters ' +
    'holt_winters_with_fit integral kaufmans_adaptive_moving_average kaufmans_efficiency_ratio ln log log10 log2 ' +
    'median mode moving_average non_negative_derivative non_negative_difference percentile pow relative_strength_index ' +
    'round sample sin sqrt stddev sum_hll tan top triple_exponential_derivative triple_exponential_moving_average'
  ).split(' '),
);

/** Expands wildcards, names the columns, and tells raw fields from calls (spec 6.3). */
export function expandFields(
  fields: readonly Field[],
  schema: MeasurementSchema,
  groupBy: readonly string[],
): Selected {
  const columns: SelectedColumn[] = [];
  const calls: SelectedCall[] = [];
  let timeCount = 0;
  for (const field of fields) {
    const expr = unwrap(field.expr);
    if (expr.kind === 'ref' && expr.name === 'time') timeCount++;
    else if (expr.kind === 'call') calls.push(...expandCall(expr, field.alias, schema));
    else columns.push(...expandColumn(expr, field.alias, schema, groupBy)); // prettier-ignore
  }
  if (timeCount === fields.length) throw invalid('at least 1 non-time field must be queried');
  if (calls.length > 0 && columns.length > 0) throw mixing(calls);
  if (calls.length > 0 || fields.some(({ expr }) => unwrap(expr).kind === 'call'))
    return { kind: 'calls', calls: distinctLabels(calls) };
  return { kind: 'columns', columns: distinctLabels(columns) };
}

function mixing(calls: readonly SelectedCall[]): DbError {
  const selectors = calls.filter(({ call }) => ['min', 'max', 'first', 'last'].includes(call));
  if (calls.length === 1 && selectors.length === 1)
    return new DbError('unsupported', 'a selector with other fields is not supported in this version'); // prettier-ignore
  if (selectors.length === calls.length)
    return invalid('mixing multiple selector functions with tags or fields is not supported');
  return invalid('mixing aggregate and non-aggregate queries is not supported');
}

function expandColumn(
  expr: Expr,
  alias: string,
  schema: MeasurementSchema,
  groupBy: readonly string[],
): SelectedColumn[] {
  switch (expr.kind) {
    case 'ref': {
      const isField = expr.type !== 'tag' && schema.fields.has(expr.name);
      const of = isField || expr.type === 'field' ? 'field' : 'tag';
      return [{ name: expr.name, of, label: alias === '' ? expr.name : alias }];
    }
    case 'wildcard': {
      const both = expr.of === undefined;
      const found: SelectedColumn[] = [];
      if (both || expr.of === 'field')
        for (const name of schema.fields.keys()) found.push({ name, of: 'field', label: name });
      if (both || expr.of === 'tag')
        for (const name of schema.tagKeys)
          if (!groupBy.includes(name)) found.push({ name, of: 'tag', label: name });
      return sortColumns(found);
    }
    case 'regex': {
      const matches = compileRegex(expr.source);
      const found: SelectedColumn[] = [];
      for (const name of schema.fields.keys())
        if (matches(name)) found.push({ name, of: 'field', label: name });
      for (const name of schema.tagKeys)
        if (matches(name) && !groupBy.includes(name)) found.push({ name, of: 'tag', label: name });
      return sortColumns(found);
    }
    case 'binary':
      throw new DbError('unsupported', 'arithmetic in SELECT is not supported in this version');
    case 'distinct':
      throw new DbError('unsupported', 'DISTINCT is not supported in this version');
    default:
      throw invalid('field must contain at least one variable');
  }
}

/** By name; where a field and a tag share one, the field comes first and keeps it. */
function sortColumns(columns: readonly SelectedColumn[]): SelectedColumn[] {
  const order = sortedNames(new Set(columns.map((column) => column.name)));
  return [...columns].sort(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name) || (a.of < b.of ? -1 : 1),
  );
}

function expandCall(
  call: Extract<Expr, { kind: 'call' }>,
  alias: string,
  schema: MeasurementSchema,
): SelectedCall[] {
  const name = callNames.find((known) => known === call.name);
  if (name === undefined) {
    if (laterFunctions.has(call.name))
      throw new DbError('unsupported', `function ${call.name}() is not supported in this version`);
    throw invalid(`undefined function ${call.name}()`);
  }
  if (call.args.length !== 1)
    throw invalid(`invalid number of arguments for ${name}, expected 1, got ${call.args.length}`);
  const argument = unwrap(call.args[0] ?? { kind: 'wildcard' });
  const label = alias === '' ? name : alias;
  if (argument.kind === 'ref') return [{ call: name, field: argument.name, label }];
  if (argument.kind === 'wildcard' || argument.kind === 'regex') {
    const matches = argument.kind === 'regex' ? compileRegex(argument.source) : () => true;
    return sortedNames(schema.fields.keys())
      .filter((field) => matches(field) && takes(name, schema.fields.get(field)))
      .map((field) => ({ call: name, field, label: `${label}_${field}` }));
  }
  if (argument.kind === 'distinct' || argument.kind === 'call')
    throw new DbError('unsupported', `a call inside ${name}() is not supported in this version`);
  throw invalid(`expected field argument in ${name}()`);
}

function takes(call: CallName, type: string | undefined): boolean {
  if (call === 'count' || call === 'first' || call === 'last') return true;
  return type !== 'string' && type !== 'boolean';
}

/** A label that is taken gets `_1`, `_2`, ... */
function distinctLabels<T extends { readonly label: string }>(columns: readonly T[]): readonly T[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    let label = column.label;
    for (let n = 1; taken.has(label); n++) label = `${column.label}_${n}`;
    taken.add(label);
    return label === column.label ? column : { ...column, label };
  });
}

function unwrap(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrap(expr.expr) : expr;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
