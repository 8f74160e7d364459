import { DbError } from '../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { callParts } from '../assemble/calls.ts';
import { windowStartNs } from '../exec/window-accumulator.ts';
import type { Fill } from '../assemble/fill.ts';
import type { RowsOutput } from '../assemble/rows.ts';
import type { WindowsOutput } from '../assemble/windows.ts';
import { fragmentVersion, type Fragment, type RowsTask, type WindowsTask } from '../fragment.ts';
import { compilePredicate } from './compile-predicate.ts';
import { compileDimensions, type Dimensions } from './dimensions.ts';
import { callInput, columnInput } from './compile-inputs.ts';
import { compileOutputs } from './compile-outputs.ts';
import { expandFields, type Selected, type SelectedCall } from './expand-fields.ts';
import { mergeSchemas, type MeasurementSchema } from './schema.ts';
import { splitCondition, type TimeRange } from './split-condition.ts';

/** One measurement of a SELECT: what to run at the shards, but for their ids, and what to make of the answers. */
export type MeasurementPlan =
  | { readonly kind: 'rows'; readonly fragment: Fragment; readonly output: RowsOutput }
  | { readonly kind: 'windows'; readonly fragment: Fragment; readonly output: WindowsOutput };

export interface CompileOptions {
  readonly nowNs: bigint;
  /** `max-select-buckets`, 0 for none. */
  readonly bucketsMax: number;
}

/**
 * Compiles a SELECT over measurements of one retention policy. `schemas` holds those that its sources name, in the
 * order of the answer. Throws DbError invalid_argument with the reference's text, `unsupported` for what is still to come.
 */
export function compileSelect(
  statement: SelectStatement,
  schemas: readonly MeasurementSchema[],
  options: CompileOptions,
): readonly MeasurementPlan[] {
  if (statement.target !== undefined) throw unsupported('SELECT INTO');
  if (statement.timeZone !== undefined) throw unsupported('tz()');
  const { range, rest } = splitCondition(statement.condition, options.nowNs);
  const all = mergeSchemas('', schemas);
  const dimensions = compileDimensions(statement.dimensions, all, options.nowNs);
  const selected = expandFields(statement.fields, all, dimensions.groupBy);
  checkBuckets(range, dimensions, options);
  const plans: MeasurementPlan[] = [];
  for (const schema of schemas) {
    const parts = { statement, schema, dimensions, range, options };
    const predicate = compilePredicate(rest, schema);
    const fragment = {
      version: fragmentVersion,
      measurement: schema.name,
      shardIds: [],
      minTimeNs: range.minNs ?? minTimeNs,
      maxTimeNs: upperBound(parts),
      ascending: isAscending(statement),
      groupBy: dimensions.groupBy,
      predicate,
    };
    const plan =
      selected.kind === 'calls'
        ? windowsPlan(parts, selected, fragment)
        : rowsPlan(parts, selected, fragment);
    if (plan !== undefined) plans.push(plan);
  }
  // Descending, the reference turns the order of measurements too.
  return isAscending(statement) ? plans : plans.reverse();
}

function isAscending({ sortFields }: SelectStatement): boolean {
  return sortFields.every((field) => field.ascending);
}

/** Windows between bounds that the statement names are counted before anything is read, whatever the fill (spec F61). */
function checkBuckets(
  { minNs, maxNs }: TimeRange,
  { intervalNs, offsetNs }: Dimensions,
  { bucketsMax, nowNs }: CompileOptions,
): void {
  if (bucketsMax === 0 || intervalNs === 0n || minNs === undefined) return;
  const firstNs = windowStartNs(minNs, intervalNs, offsetNs);
  const count = (windowStartNs(maxNs ?? nowNs, intervalNs, offsetNs) - firstNs) / intervalNs + 1n;
  if (count > BigInt(bucketsMax))
    throw new DbError(
      'limit_exceeded',
      `max-select-buckets limit exceeded: (${count}/${bucketsMax})`,
    );
}

interface Parts {
  readonly statement: SelectStatement;
  readonly schema: MeasurementSchema;
  readonly dimensions: Dimensions;
  readonly range: TimeRange;
  readonly options: CompileOptions;
}

/** GROUP BY time without an upper bound ends now, since windows of the future are of no use (spec 6.3). */
function upperBound({ range, dimensions, options }: Parts): bigint {
  return range.maxNs ?? (dimensions.intervalNs > 0n ? options.nowNs : maxTimeNs);
}

function rowsPlan(
  { statement, schema, dimensions }: Parts,
  selected: Extract<Selected, { kind: 'columns' }>,
  fragment: Omit<Fragment, 'task'>,
): MeasurementPlan | undefined {
  if (dimensions.intervalNs > 0n)
    throw new DbError('invalid_argument', 'GROUP BY requires at least one aggregate function');
  if (statement.fill !== undefined && statement.fill.kind === 'none')
    throw new DbError('invalid_argument', 'fill(none) must be used with a function');
  if (statement.fill !== undefined && statement.fill.kind === 'linear')
    throw new DbError('invalid_argument', 'fill(linear) must be used with a function');
  const inputs = selected.inputs.map((column) => columnInput(column, schema));
  const computed = compileOutputs(selected.outputs, inputs);
  const taskColumns = inputs.map(({ column }) => column);
  if (!taskColumns.some(({ kind }) => kind === 'field')) return undefined;
  const { limit, offset, seriesLimit, seriesOffset } = statement;
  const task: RowsTask = {
    kind: 'rows',
    columns: taskColumns,
    rowsMax: limit === 0 ? 0 : limit + offset,
  };
  const output: RowsOutput = {
    name: schema.name,
    groupBy: dimensions.groupBy,
    timeLabel: selected.timeLabel,
    columns: selected.outputs.map(({ label }) => label),
    computed,
    types: taskColumns.map((column) => (column.kind === 'tag' ? 'string' : column.type)),
    ascending: fragment.ascending,
    limit,
    offset,
    seriesLimit,
    seriesOffset,
  };
  return { kind: 'rows', fragment: { ...fragment, task }, output };
}

function windowsPlan(
  { statement, schema, dimensions, range, options }: Parts,
  selected: Extract<Selected, { kind: 'calls' }>,
  fragment: Omit<Fragment, 'task'>,
): MeasurementPlan | undefined {
  const inputs = selected.inputs.map((call) => callInput(call, schema));
  if (!inputs.some(({ isKnown }) => isKnown)) return undefined;
  for (const { call, type, isKnown } of inputs) checkType(call, isKnown ? type : undefined);
  const fields = new Map(
    inputs.map(({ field, type }) => [`${type} ${field}`, { name: field, type }]),
  );
  const keys = [...fields.keys()];
  const task: WindowsTask = {
    kind: 'windows',
    fields: [...fields.values()].map(({ name, type }) => {
      const own = inputs.filter((input) => input.field === name && input.type === type);
      return { name, type, parts: [...new Set(own.flatMap(({ call }) => callParts(call)))] };
    }),
    intervalNs: dimensions.intervalNs,
    offsetNs: dimensions.offsetNs,
  };
  const output: WindowsOutput = {
    name: schema.name,
    groupBy: dimensions.groupBy,
    task,
    calls: inputs.map(({ call, field, type }) => ({
      call,
      field: keys.indexOf(`${type} ${field}`),
    })),
    timeLabel: selected.timeLabel,
    columns: selected.outputs.map(({ label }) => label),
    computed: compileOutputs(
      selected.outputs,
      inputs.map(({ result }) => result),
    ),
    fill: fillOf(statement),
    minTimeNs: range.minNs,
    maxTimeNs: fragment.maxTimeNs,
    ascending: fragment.ascending,
    limit: statement.limit,
    offset: statement.offset,
    seriesLimit: statement.seriesLimit,
    seriesOffset: statement.seriesOffset,
    bucketsMax: options.bucketsMax,
  };
  return { kind: 'windows', fragment: { ...fragment, task }, output };
}

function fillOf({ fill }: SelectStatement): Fill {
  if (fill === undefined) return { kind: 'null' };
  return fill.kind === 'number' ? { kind: 'number', value: Number(fill.value) } : fill;
}

/** The reference finds this out while it runs, and says so by the name of a type of its own. */
function checkType(call: SelectedCall['call'], type: string | undefined): void {
  const isAnyType = call === 'count' || call === 'first' || call === 'last';
  if (isAnyType || (type !== 'string' && type !== 'boolean')) return;
  if (type === 'boolean' && (call === 'min' || call === 'max')) return;
  throw new DbError(
    'invalid_argument',
    `unsupported ${call} iterator type: *query.${type}InterruptIterator`,
  );
}

/** Names that the reference keeps for itself (spec 6.5). */
const systemSources: ReadonlyMap<string, string> = new Map([
  ['_fieldKeys', 'SHOW FIELD KEYS'],
  ['_measurements', 'SHOW MEASUREMENTS'],
  ['_series', 'SHOW SERIES'],
  ['_tagKeys', 'SHOW TAG KEYS'],
  ['_tags', 'SHOW TAG VALUES'],
]);

/** The measurements that the sources name, of those there are; a name stands once however often it matches. */
export function matchMeasurements(
  statement: Pick<SelectStatement, 'sources'>,
  names: readonly string[],
): readonly string[] {
  const matched = new Set<string>();
  for (const source of statement.sources) {
    if (source.kind === 'subquery') throw unsupported('a subquery');
    const show = systemSources.get(source.name);
    if (show !== undefined)
      throw new DbError('invalid_argument', `unable to use system source '${source.name}': use ${show} instead`); // prettier-ignore
    const matches = source.regex === undefined ? undefined : compileRegex(source.regex);
    for (const name of names)
      if (matches === undefined ? name === source.name : matches(name)) matched.add(name);
  }
  return [...matched].sort();
}

function unsupported(what: string): DbError {
  return new DbError('unsupported', `${what} is not supported in this version`);
}
