import { must } from '../../base/assert.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { Expr, Field, Fill } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { isConvertible } from '../exec/columns/column-builder.ts';
import { columnNames } from './column-names.ts';
import { columnTypeOf, type DataType } from './data-type.ts';
import { typeOfExpr } from './eval-type.ts';
import type { Steps } from './expand-names.ts';
import type {
  CallInput,
  CallPlan,
  CallRefusal,
  LevelPlan,
  PlannedColumn,
  Slot,
} from './level-plan.ts';
import { isMathFunction } from './math-functions.ts';
import { isLostInMerge } from './merged-calls.ts';
import { insideNames, mergeNames, namesOfSubquery, partingTags } from './name-types.ts';
import { planChain, type PlannedChain } from './plan-calls.ts';
import {
  countsRows,
  FeedPlanner,
  type AroundLevel,
  type FeedRef,
  type LevelPlace,
} from './plan-feeds.ts';
import { compileProgram, programColumnType, type ProgramInput } from './program.ts';
import type { ResolvedSelect } from './resolve-select.ts';
import { visitExpr } from './walk-expr.ts';

/**
 * Makes the plan of a resolved SELECT and of the subqueries below it, a step for each call, column and measurement: there may
 * be hundreds of thousands.
 */
export function* planSteps(select: ResolvedSelect, around: AroundLevel): Steps<LevelPlan> {
  const { compiled, fields } = select;
  const place = placeOf(select, around);
  const hasTarget = compiled.statement.target !== undefined;
  const listed = fields.flatMap((field) => {
    const insideOf = insideFields(field);
    return [field, ...(hasTarget ? insideOf.map(asPartingTag) : insideOf)];
  });
  const own = new Set(fields);
  const insides = new Set(listed.filter((field) => !own.has(field)));
  const inputs = yield* inputSteps(
    fields.flatMap(({ expr }) => partingTags(expr)),
    listed,
  );
  const isSelector = inputs.calls.length === 1 && isSelectorCall(inputs.calls[0]?.name);
  const isOrdered = around.isUnordered !== true;
  const readsUnordered = inputs.calls.length === 0 ? !isOrdered : inputs.calls.every(takesAnyOrder);
  const feeds = new FeedPlanner(select, { ...place, readsUnordered }, planSteps);
  const fill = fillOf(select, around);
  const beside = inputs.refs.map(besideRef(select));
  const slots: Slot[] = beside.map(({ type }) => ({ type: columnTypeOf(type) }));
  const auxTypes = slots.map(({ type }) => type);
  const calls: CallPlan[] = [];
  const refusals: CallRefusal[] = [];
  for (const [i, call] of inputs.calls.entries()) {
    yield;
    const slot = inputs.refs.length + i;
    const driver = typeOfExpr(call, () => undefined);
    slots.push({ type: columnTypeOf(driver), isUnread: driver === undefined });
    // A call of what nobody knows is not asked at all, nor one of a tag, which shards have no points of.
    const heart = heartOf(call);
    const isTag = heart?.type === 'tag' && feeds.canFold;
    if (driver === undefined || heart === undefined || !isKnown(heart.type) || isTag) continue;
    if (isLostInMerge(call, heart, select)) continue;
    const { ascending } = compiled;
    const { canFold } = feeds;
    const canRank = around.isWhole === true && around.outerTags === undefined && feeds.isOneGroup;
    const { grid } = place;
    const chain = orRefusal(() => planChain(call, { grid, fill, ascending, isSelector, auxTypes, canFold, canRank, isOrdered })); // prettier-ignore
    if (isDbError(chain)) {
      const { feed, columns } = feeds.rowsFor(grid, [heart]);
      refusals.push({ error: chain, feed, at: columns[0] ?? 0, column: { name: heart.name, type: columnTypeOf(heart.type) } }); // prettier-ignore
      continue;
    }
    slots[slot] = { type: chain.type };
    const isInTime = isOrdered && inputs.calls.length === 1;
    const input = inputFor(chain, beside, { feeds, isInTime, isCounted: countsRows(call, select) });
    calls.push({ slot, type: chain.type, stages: chain.stages, input });
  }
  const isRaw = inputs.calls.length === 0;
  if (isRaw && inputs.refs.some(({ type }) => isKnown(type))) feeds.rowsFor(place.grid, beside);
  const finished = yield* feeds.finish();
  const columns = yield* columnsOf(listed, { ...inputs, refs: beside }, slots);
  return {
    columns: columns.map((column, i) => ({
      ...column,
      isPointTag: hasTarget && insides.has(must(listed[i], 'a field per column')),
    })),
    slots,
    feeds: finished,
    calls,
    refusals,
    outerTags: place.outerTags,
    tags: place.tags,
    ascending: compiled.ascending,
    fill,
    limit: compiled.statement.limit,
    offset: compiled.statement.offset,
    timeLabel: compiled.timeLabel,
  };
}

/** A name that a subquery does not show is nothing in an answer, and a tag of the point that is written. */
function asPartingTag(inside: Field): Field {
  const { expr } = inside;
  return expr.kind === 'ref' && expr.type === undefined ? { ...inside, expr: { ...expr, type: 'tag' } } : inside; // prettier-ignore
}

const anyOrderCalls: ReadonlySet<string> = new Set(['count', 'sum', 'mean', 'min', 'max', 'first', 'last']); // prettier-ignore

/** Whether the innermost of nested calls is one for which the reference does not ask for points in order. */
function takesAnyOrder({ name, args: [argument] }: Call): boolean {
  return argument?.kind === 'call' ? takesAnyOrder(argument) : anyOrderCalls.has(name);
}

function orRefusal(plan: () => PlannedChain): PlannedChain | DbError {
  try {
    return plan();
  } catch (error) {
    if (isDbError(error)) return error;
    throw error;
  }
}

/** A name that was asked for as a field, and is none, is nothing. */
function isKnown(type: DataType): boolean {
  return type !== undefined && type !== 'field';
}

export function placeOf({ compiled, groupBy }: ResolvedSelect, around: AroundLevel): LevelPlace {
  const { range, zone, statement } = compiled;
  const { intervalNs, writtenNs, offsetNs, offsetError } = compiled.groupBy;
  if (offsetError !== undefined) throw new DbError('invalid_argument', offsetError);
  const parent = around.grid;
  let startNs = range.minNs ?? minTimeNs;
  let endNs = range.maxNs ?? (parent === undefined && writtenNs !== 0n ? around.nowNs : maxTimeNs);
  if (parent !== undefined) {
    if (parent.startNs > startNs) startNs = parent.startNs;
    if (parent.endNs < endNs) endNs = parent.endNs;
    if (intervalNs > 0n && endNs === maxTimeNs) endNs = around.nowNs;
  }
  const own = intervalNs === 0n && parent !== undefined ? parent : { intervalNs, offsetNs };
  const tags = [...new Set([...groupBy, ...around.tags])].sort(compareUtf8);
  return {
    grid: { intervalNs: own.intervalNs, offsetNs: own.offsetNs, zone, startNs, endNs },
    outerTags: around.outerTags ?? tags,
    tags,
    nowNs: around.nowNs,
    seriesLimit: statement.seriesLimit + around.seriesLimit,
    seriesOffset: statement.seriesOffset + around.seriesOffset,
    bounds: around.bounds,
  };
}

/** Nulls of a subquery's windows reach nobody, and none are written into a target. */
function fillOf({ compiled }: ResolvedSelect, { grid }: AroundLevel): Fill {
  const isHidden = (grid !== undefined && !compiled.isRaw) || compiled.statement.target !== undefined; // prettier-ignore
  return isHidden && compiled.fill.kind === 'null' ? { kind: 'none' } : compiled.fill;
}

/**
 * Of the rows of subqueries a value beside calls is cast from number to number and otherwise stays what it is, whatever it
 * was asked for as.
 */
function besideRef({ sources, compiled, fields }: ResolvedSelect): (ref: Ref) => FeedRef {
  const names = sources.flatMap((source) => source.kind === 'subquery' ? [namesOfSubquery(source.select)] : []); // prettier-ignore
  if (names.length < compiled.sources.length) return (ref) => ref;
  const known = mergeNames(names);
  const parting = new Set(fields.flatMap(({ expr }) => partingTags(expr)).map(printExpr));
  return (ref) => {
    if (parting.has(printExpr(ref))) return ref;
    const own = known.typeOf(ref.name);
    // What is called an integer may be a float of a math function: `sqrt(i)`.
    if (own === ref.type && (own === 'integer' || own === 'unsigned'))
      return { ...ref, hidesNaN: true };
    if (own === undefined || own === ref.type) return ref;
    const isCast = isConvertible(columnTypeOf(own), columnTypeOf(ref.type));
    return isCast
      ? { ...ref, hidesNaN: own === 'float' }
      : { ...ref, type: own, askedType: ref.type };
  };
}

/** What is named inside of top() and bottom() has columns behind theirs. */
export function insideFields({ expr }: Field): readonly Field[] {
  return insideNames(expr).map((inside) => ({ expr: inside, alias: '' }));
}

type Ref = Extract<Expr, { kind: 'ref' }>;
type Call = Extract<Expr, { kind: 'call' }>;

export interface Inputs {
  readonly refs: readonly Ref[];
  readonly calls: readonly Call[];
  /** Slots by the printed expression: what is written twice is read once. */
  readonly slots: ReadonlyMap<string, number>;
}

/** What fields read, as inputSteps() has it, in one go. */
export function collectInputs(fields: readonly Field[]): Inputs {
  const steps = inputSteps([], fields);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** What is named inside of top() and bottom() comes first, as they ask. */
function* inputSteps(inside: readonly Ref[], fields: readonly Field[]): Steps<Inputs> {
  const refs = new Map(inside.map((ref) => [printExpr(ref), ref]));
  const calls = new Map<string, Call>();
  for (const { expr } of fields) {
    yield;
    visitExpr(
      expr,
      (part) => {
        if (part.kind === 'ref') refs.set(printExpr(part), part);
        else if (part.kind === 'call' && !isMathFunction(part.name))
          calls.set(printExpr(part), part);
      },
      ({ name }) => isMathFunction(name),
    );
  }
  const keys = [...refs.keys(), ...calls.keys()];
  const slots = new Map(keys.map((key, slot) => [key, slot]));
  return { refs: [...refs.values()], calls: [...calls.values()], slots };
}

const selectorCalls: ReadonlySet<string> = new Set([
  'bottom',
  'first',
  'last',
  'max',
  'min',
  'percentile',
  'sample',
  'top',
]);

function isSelectorCall(name: string | undefined): boolean {
  return name !== undefined && selectorCalls.has(name);
}

/** The field at the heart of nested calls. */
function heartOf(call: Call): Ref | undefined {
  let expr: Expr | undefined = call;
  while (expr?.kind === 'call') [expr] = expr.args;
  return expr?.kind === 'ref' ? expr : undefined;
}

function inputFor(
  chain: PlannedChain,
  refs: readonly FeedRef[],
  { feeds, isInTime, isCounted }: { readonly feeds: FeedPlanner; readonly isInTime: boolean; readonly isCounted: boolean }, // prettier-ignore
): CallInput {
  const { argument, folded, grid } = chain;
  if (folded !== undefined) {
    const { feed, field } = feeds.windowsFor(chain, folded);
    return {
      kind: 'folded',
      feed,
      field,
      call: folded.call,
      keepsTimes: folded.keepsTimes,
      isInTime,
    };
  }
  const counted = isCounted ? argument : undefined;
  const { feed, columns } = feeds.rowsFor(grid, [argument, ...refs], counted);
  return { kind: 'column', feed, column: columns[0] ?? 0, aux: columns.slice(1) };
}

const listRules = { isFloatDivision: true, isMissingFalse: true };

function* columnsOf(
  fields: readonly Field[],
  inputs: Inputs,
  slots: readonly Slot[],
): Steps<readonly PlannedColumn[]> {
  const names = columnNames(fields);
  const inputOf = (expr: Expr): ProgramInput | undefined => {
    const isInput = expr.kind === 'ref' || (expr.kind === 'call' && !isMathFunction(expr.name));
    if (!isInput) return undefined;
    const index = inputs.slots.get(printExpr(expr)) ?? 0;
    const type: DataType = expr.kind === 'ref' ? inputs.refs[index]?.type : slots[index]?.type;
    return { index, type: type === 'tag' ? 'string' : type };
  };
  const columns: PlannedColumn[] = [];
  for (const [i, { expr }] of fields.entries()) {
    yield;
    const program = compileProgram(expr, inputOf, listRules);
    columns.push({ name: names[i] ?? '', program, type: programColumnType(program), isPointTag: false }); // prettier-ignore
  }
  return columns;
}
