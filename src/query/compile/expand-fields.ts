import { DbError } from '../../base/errors.ts';
import type { CastType, Expr, Field } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { callNames, type CallName } from '../assemble/calls.ts';
import { sortedNames, type MeasurementSchema } from './schema.ts';

export interface SelectedColumn {
  readonly name: string;
  readonly of: 'field' | 'tag';
  readonly cast?: CastType | undefined;
}

export interface SelectedCall {
  readonly call: CallName;
  readonly field: string;
  readonly cast?: CastType | undefined;
}

/** What is read, and the columns made of it: expressions whose references and calls stand for `inputs` in order. */
export type Selected = { readonly timeLabel: string; readonly outputs: readonly Output[] } & (
  | { readonly kind: 'columns'; readonly inputs: readonly SelectedColumn[] }
  | { readonly kind: 'calls'; readonly inputs: readonly SelectedCall[] }
);

export interface Output {
  readonly label: string;
  /** Without wildcards; parentheses as they stood. */
  readonly expr: Expr;
}

interface Expanded {
  readonly expr: Expr;
  readonly alias: string;
}

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
  const times = fields.filter(({ expr }) => isTime(expr));
  if (times.length === fields.length) throw invalid('at least 1 non-time field must be queried');
  const expanded = fields
    .filter(({ expr }) => !isTime(expr))
    .flatMap(({ expr, alias }) => expandField(expr, alias, { schema, groupBy }));
  const columns: SelectedColumn[] = [];
  const calls: SelectedCall[] = [];
  for (const { expr } of expanded)
    visitInputs(expr, (input) => {
      if (input.kind === 'call') calls.push(callOf(input));
      else columns.push(columnOf(input, schema));
    });
  const hasCall = fields.some(({ expr }) => containsCall(expr));
  if (hasCall && columns.length > 0) throw mixing(calls);
  const head = { timeLabel: times[0]?.alias || 'time', outputs: labelled(expanded) };
  return hasCall ? { ...head, kind: 'calls', inputs: calls } : { ...head, kind: 'columns', inputs: columns }; // prettier-ignore
}

type Input = Extract<Expr, { kind: 'ref' | 'call' }>;

/** The references and calls of an expression, from left to right; a call's arguments are its own. */
export function visitInputs(expr: Expr, visit: (input: Input) => void): void {
  if (expr.kind === 'ref' || expr.kind === 'call') visit(expr);
  else if (expr.kind === 'paren') visitInputs(expr.expr, visit);
  else if (expr.kind === 'binary') {
    visitInputs(expr.left, visit);
    visitInputs(expr.right, visit);
  }
}

function expandField(
  whole: Expr,
  alias: string,
  place: { readonly schema: MeasurementSchema; readonly groupBy: readonly string[] },
): readonly Expanded[] {
  const expr = unwrap(whole);
  switch (expr.kind) {
    case 'ref':
      return [{ expr, alias }];
    case 'wildcard':
    case 'regex':
      return matchingColumns(expr, place).map(({ name, of }) => ({
        expr: { kind: 'ref', name, type: of === 'tag' ? 'tag' : undefined },
        alias: '',
      }));
    case 'call':
      return expandCall(expr, alias, place.schema);
    case 'binary': {
      checkOperands(expr);
      let inputs = 0;
      visitInputs(expr, () => inputs++);
      if (inputs === 0) throw invalid('field must contain at least one variable');
      return [{ expr, alias }];
    }
    case 'distinct':
      throw new DbError('unsupported', 'DISTINCT is not supported in this version');
    default:
      throw invalid('field must contain at least one variable');
  }
}

/** Columns by `*` or a pattern, by name; where a field and a tag share one, the field comes first and keeps it. */
function matchingColumns(
  expr: Extract<Expr, { kind: 'wildcard' | 'regex' }>,
  { schema, groupBy }: { readonly schema: MeasurementSchema; readonly groupBy: readonly string[] },
): readonly SelectedColumn[] {
  const matches = expr.kind === 'regex' ? compileRegex(expr.source) : () => true;
  const of = expr.kind === 'wildcard' ? expr.of : undefined;
  const found: SelectedColumn[] = [];
  if (of !== 'tag')
    for (const name of schema.fields.keys()) if (matches(name)) found.push({ name, of: 'field' });
  if (of !== 'field')
    for (const name of schema.tagKeys)
      if (matches(name) && !groupBy.includes(name)) found.push({ name, of: 'tag' });
  const order = sortedNames(new Set(found.map(({ name }) => name)));
  return found.sort(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name) || (a.of < b.of ? -1 : 1),
  );
}

/** Looks at the parts of an expression, which may hold neither wildcards nor functions unknown. */
function checkOperands(expr: Expr): void {
  switch (expr.kind) {
    case 'paren':
      checkOperands(expr.expr);
      return;
    case 'binary':
      checkOperands(expr.left);
      checkOperands(expr.right);
      return;
    case 'wildcard':
    case 'regex':
      throw invalid('unable to use wildcard in a binary expression');
    case 'call': {
      const argument = checkCall(expr);
      if (argument.kind !== 'ref')
        throw invalid(`unsupported expression with wildcard: ${expr.name}()`);
      return;
    }
    case 'distinct':
      throw new DbError('unsupported', 'DISTINCT is not supported in this version');
    default:
  }
}

type Call = Extract<Expr, { kind: 'call' }>;

/** The argument of a call of one of our functions: a field, or a wildcard for several. */
function checkCall(call: Call): Extract<Expr, { kind: 'ref' | 'wildcard' | 'regex' }> {
  const name = nameOf(call);
  if (call.args.length !== 1)
    throw invalid(`invalid number of arguments for ${name}, expected 1, got ${call.args.length}`);
  const argument = unwrap(call.args[0] ?? { kind: 'wildcard' });
  switch (argument.kind) {
    case 'wildcard':
      if (argument.of === 'tag') throw invalid(`unable to use tag wildcard in ${name}()`);
      return argument;
    case 'ref':
    case 'regex':
      return argument;
    case 'distinct':
    case 'call': {
      const isDistinct = argument.kind === 'distinct' || argument.name === 'distinct';
      if (isDistinct && name === 'count')
        throw new DbError('unsupported', 'count(distinct()) is not supported in this version');
      throw invalid(`expected field argument in ${name}()`);
    }
    default:
      throw invalid(`expected field argument in ${name}()`);
  }
}

function nameOf(call: Call): CallName {
  const name = callNames.find((known) => known === call.name);
  if (name !== undefined) return name;
  if (laterFunctions.has(call.name))
    throw new DbError('unsupported', `function ${call.name}() is not supported in this version`);
  throw invalid(`undefined function ${call.name}()`);
}

function expandCall(call: Call, alias: string, schema: MeasurementSchema): readonly Expanded[] {
  const argument = checkCall(call);
  if (argument.kind === 'ref') return [{ expr: call, alias }];
  const matches = argument.kind === 'regex' ? compileRegex(argument.source) : () => true;
  const label = alias === '' ? call.name : alias;
  return sortedNames(schema.fields.keys())
    .filter((field) => matches(field) && takes(nameOf(call), schema.fields.get(field)))
    .map((field) => ({
      expr: { ...call, args: [{ kind: 'ref', name: field }] },
      alias: `${label}_${field}`,
    }));
}

function takes(call: CallName, type: string | undefined): boolean {
  if (call === 'count' || call === 'first' || call === 'last') return true;
  return type !== 'string' && (type !== 'boolean' || call === 'min' || call === 'max');
}

function callOf(call: Call): SelectedCall {
  const argument = checkCall(call);
  if (argument.kind !== 'ref')
    throw invalid(`unsupported expression with wildcard: ${call.name}()`);
  return { call: nameOf(call), field: argument.name, cast: argument.type };
}

/** A name that is no field stands for a tag, unless a cast says that it has to be a field. */
function columnOf(ref: Extract<Expr, { kind: 'ref' }>, schema: MeasurementSchema): SelectedColumn {
  const { name, type: cast } = ref;
  if (cast === undefined) return { name, of: schema.fields.has(name) ? 'field' : 'tag' };
  return { name, of: cast === 'tag' ? 'tag' : 'field', cast };
}

function mixing(calls: readonly SelectedCall[]): DbError {
  const selectors = calls.filter(({ call }) => ['min', 'max', 'first', 'last'].includes(call));
  if (calls.length === 1 && selectors.length === 1)
    return new DbError('unsupported', 'a selector with other fields is not supported in this version'); // prettier-ignore
  if (selectors.length === calls.length)
    return invalid('mixing multiple selector functions with tags or fields is not supported');
  return invalid('mixing aggregate and non-aggregate queries is not supported');
}

/** Aliases stay as they are, even twice; a name of our own that is taken gets `_1`, `_2`, ... */
function labelled(columns: readonly Expanded[]): readonly Output[] {
  const taken = new Set(columns.map(({ alias }) => alias).filter((alias) => alias !== ''));
  return columns.map(({ expr, alias }) => {
    if (alias !== '') return { expr, label: alias };
    const name = columnName(expr);
    let label = name;
    for (let n = 1; taken.has(label); n++) label = `${name}_${n}`;
    taken.add(label);
    return { expr, label };
  });
}

/** The names of all that an expression reads. */
function columnName(expr: Expr): string {
  const names: string[] = [];
  visitInputs(expr, ({ name }) => names.push(name));
  return names.join('_');
}

function containsCall(expr: Expr): boolean {
  if (expr.kind === 'paren') return containsCall(expr.expr);
  if (expr.kind === 'binary') return containsCall(expr.left) || containsCall(expr.right);
  return expr.kind === 'call';
}

function isTime(expr: Expr): boolean {
  const one = unwrap(expr);
  return one.kind === 'ref' && one.name === 'time';
}

function unwrap(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrap(expr.expr) : expr;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
