import { DbError } from '../../base/errors.ts';
import type { Expr, Fill } from '../../influxql/ast.ts';
import {
  callNames,
  callType,
  isSelector as isFoldedSelector,
  type CallName,
} from '../assemble/calls.ts';
import type { ColumnType } from '../column.ts';
import type { FunctionDefinition, PlannedCall } from '../functions/function.ts';
import type { WindowRank } from '../fragment.ts';
import { percentOf } from '../functions/ordered-values.ts';
import { findFunction } from '../functions/registry.ts';
import { columnTypeOf } from './data-type.ts';
import type { Grid, StagePlan } from './level-plan.ts';

type Call = Extract<Expr, { kind: 'call' }>;
type Ref = Extract<Expr, { kind: 'ref' }>;

/** A call of the list, taken apart: the field at its heart, what happens to its points, and the windows that it reads. */
export interface PlannedChain {
  readonly argument: Ref;
  /** The innermost call where shards can fold it; then `stages` begin behind it. */
  readonly folded: FoldedChain | undefined;
  readonly stages: readonly StagePlan[];
  /** Of what is read: wider than the level's where a transformation looks back. */
  readonly grid: Grid;
  readonly type: ColumnType;
}

export interface FoldedChain {
  readonly call: CallName;
  readonly keepsTimes: boolean;
  readonly rank?: WindowRank | undefined;
}

export interface ChainPlace {
  readonly grid: Grid;
  readonly fill: Fill;
  readonly ascending: boolean;
  /** The only call of its list, and one that picks points. */
  readonly isSelector: boolean;
  readonly auxTypes: readonly ColumnType[];
  readonly canFold: boolean;
  /** Who reads the level asks for its points in the order of time. */
  readonly isOrdered: boolean;
  /** The shards have all rows of each group together. */
  readonly canRank: boolean;
}

/** Throws the reference's texts where a function has no answer for the type of its argument. */
export function planChain(call: Call, place: ChainPlace): PlannedChain {
  const [argument] = call.args;
  const definition = findFunction(call.name);
  if (definition === undefined || argument === undefined)
    throw new DbError('invalid_argument', `unsupported call: ${call.name}`);
  if (definition.kind === 'transformation') return planTransformation(call, definition, place);
  const inner = innerOf(argument, place);
  const type = definition.resultType(inner.type, call.args);
  const folded = argument.kind === 'ref' ? foldedCall(call, argument, place) : undefined;
  const stages = [...inner.stages];
  const { grid } = place;
  if (folded === undefined)
    stages.push({ kind: 'reduce', definition, call: plannedCall(call, inner.type, place), grid, isInTime: isInTime(call, place) }); // prettier-ignore
  const behind = windowStages(call, definition, { ...place, type });
  // What shards fold into windows of time has their starts already.
  const isStarted = folded !== undefined && grid.intervalNs > 0n;
  stages.push(...(isStarted ? behind.filter(({ kind }) => kind !== 'starts') : behind));
  const { argument: heart } = inner;
  if (folded !== undefined && folded.type !== type)
    throw new DbError('internal', `${call.name} folds to another type`);
  return { argument: heart, folded, stages, grid: inner.grid, type };
}

/** What shards could fold is reduced tag set by tag set where a subquery is read (spec 6.3). */
function isInTime({ name }: Call, { canFold, isOrdered }: ChainPlace): boolean {
  return (canFold && isOrdered) || name === 'spread' || !callNames.some((known) => known === name);
}

function innerOf(
  argument: Expr,
  place: ChainPlace,
): Pick<PlannedChain, 'argument' | 'stages' | 'grid' | 'type' | 'folded'> {
  if (argument.kind === 'ref')
    return { argument, folded: undefined, stages: [], grid: place.grid, type: columnTypeOf(argument.type) }; // prettier-ignore
  if (argument.kind === 'call') return planChain(argument, place);
  throw new DbError('invalid_argument', `invalid expression type: *influxql.${argument.kind}`);
}

function planTransformation(
  call: Call,
  definition: Extract<FunctionDefinition, { kind: 'transformation' }>,
  place: ChainPlace,
): PlannedChain {
  const grid = widened(place, definition.extraWindows(call.args));
  const inner = innerOf(call.args[0] as Expr, { ...place, grid });
  const type = definition.resultType(inner.type, call.args);
  const planned = plannedCall(call, inner.type, place);
  const stages: StagePlan[] = [...inner.stages, { kind: 'transform', definition, call: planned }];
  return { argument: inner.argument, folded: inner.folded, stages, grid: inner.grid, type };
}

function widened({ grid, ascending }: ChainPlace, windows: number): Grid {
  if (grid.intervalNs === 0n || windows === 0) return grid;
  const byNs = grid.intervalNs * BigInt(windows);
  return ascending
    ? { ...grid, startNs: BigInt.asIntN(64, grid.startNs - byNs) }
    : { ...grid, endNs: BigInt.asIntN(64, grid.endNs + byNs) };
}

function plannedCall(call: Call, argumentType: ColumnType, place: ChainPlace): PlannedCall {
  const isMany = call.name === 'top' || call.name === 'bottom';
  return {
    name: call.name,
    args: call.args,
    argumentType,
    auxTypes: place.auxTypes,
    auxInside: isMany ? call.args.length - 2 : 0,
    intervalNs: place.grid.intervalNs,
    offsetNs: place.grid.offsetNs,
    ascending: place.ascending,
    // Of a zone's clock two times of one window may be said to begin differently.
    showsTimes: place.grid.intervalNs === 0n || place.grid.zone !== undefined,
  };
}

/** What happens to the points of windows: which times they show, and what stands in windows without points. */
function windowStages(
  call: Call,
  definition: FunctionDefinition,
  { grid, fill, isSelector, auxTypes, type }: ChainPlace & { readonly type: ColumnType },
): readonly StagePlan[] {
  if (definition.kind === 'selector' && definition.keepsTimes) return [];
  if (call.name === 'integral') return [];
  if (call.name === 'distinct') return [{ kind: 'starts', grid }];
  if (isSelector && grid.intervalNs === 0n) return [];
  const starts: StagePlan = { kind: 'starts', grid };
  if (grid.intervalNs === 0n || fill.kind === 'none') return [starts];
  const own: Fill =
    call.name === 'count' && fill.kind === 'null' ? { kind: 'number', value: 0 } : fill;
  return [starts, { kind: 'fill', grid, fill: own, types: { value: type, aux: auxTypes } }];
}

function foldedCall(
  { name, args }: Call,
  { type }: Ref,
  { grid, canFold, canRank, isSelector, auxTypes }: ChainPlace,
): (FoldedChain & { readonly type: ColumnType }) | undefined {
  const rank = canRank && grid.intervalNs > 0n ? rankOfCall(name, args[1]) : undefined;
  const call = rank?.kind ?? callNames.find((known) => known === name);
  const isField = type !== undefined && type !== 'tag' && type !== 'field';
  if (call === undefined || !canFold || !isField || auxTypes.length > 0) return undefined;
  if (grid.zone !== undefined) return undefined;
  const isCounted = call === 'count' || call === 'first' || call === 'last';
  const isOrdered = call === 'min' || call === 'max';
  const isNumber = type === 'float' || type === 'integer' || type === 'unsigned';
  if (!isNumber && !isCounted && !(isOrdered && type === 'boolean')) return undefined;
  const keepsTimes = isFoldedSelector(call) && isSelector && grid.intervalNs === 0n;
  return { call, keepsTimes, type: callType(call, columnTypeOf(type)), rank };
}

/** Of calls that have an answer in each window with points: of lower percentiles few points have none, which ends more than a window. */
function rankOfCall(name: string, argument: Expr | undefined): WindowRank | undefined {
  if (name === 'median') return { kind: 'median' };
  if (name !== 'percentile' || argument === undefined) return undefined;
  const percent = percentOf(argument);
  return percent >= 50 && percent <= 100 ? { kind: 'percentile', percent } : undefined;
}
