import type { Expr, SelectStatement, Source } from '../../influxql/ast.ts';
import { printExpr, printSelect } from '../../influxql/printer.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { fragmentVersion, type CostsTask } from '../fragment.ts';
import { columnTypeOf } from '../plan/data-type.ts';
import { typeOfExpr } from '../plan/eval-type.ts';
import type { Grid, ScanPart } from '../plan/level-plan.ts';
import { collectInputs, insideFields, placeOf } from '../plan/plan-level.ts';
import type { AroundLevel } from '../plan/plan-feeds.ts';
import { writtenCondition } from './written-condition.ts';
import { predicateOf, type ResolvedSelect, type ResolvedSource } from '../plan/resolve-select.ts';

type Ref = Extract<Expr, { kind: 'ref' }>;
type Call = Extract<Expr, { kind: 'call' }>;

/** A SELECT as EXPLAIN shows it: what the reference calls its cursors and iterators. */
export interface ExplainedLevel {
  /** With names and types written out, the outermost without bounds of time. */
  readonly statement: string;
  readonly scanners: readonly Scanner[];
}

/** What one call of the list reads, or all of a list without calls. */
export interface Scanner {
  /** The call as written; undefined for a list without calls. */
  readonly expression: string | undefined;
  /** What shards are asked for: the innermost call where they can answer it, else the field. */
  readonly pushed: string | undefined;
  /** Names beside the call, with their types, sorted. */
  readonly beside: readonly string[];
  readonly condition: string | undefined;
  readonly sources: readonly ScannedSource[];
}

export type ScannedSource =
  | { readonly kind: 'measurements'; readonly parts: readonly ScanPart[]; readonly driver: string | undefined } // prettier-ignore
  | { readonly kind: 'subquery'; readonly level: ExplainedLevel };

/** Calls that the reference's shards answer themselves. */
const pushedCalls: ReadonlySet<string> = new Set([
  'count',
  'first',
  'last',
  'max',
  'mean',
  'min',
  'sum',
]);

export function explainSelect(select: ResolvedSelect, around: AroundLevel): ExplainedLevel {
  const { fields } = select;
  const inputs = collectInputs(fields.flatMap((field) => [field, ...insideFields(field)]));
  const { grid, nowNs, outerTags, tags } = placeOf(select, around);
  const { bounds } = around;
  const inner: AroundLevel = { nowNs, outerTags, tags, grid, bounds, seriesLimit: 0, seriesOffset: 0 }; // prettier-ignore
  const refs = [...inputs.refs].sort((a, b) => compareUtf8(a.name, b.name));
  const isKnown = ({ type }: Ref) => type !== undefined && type !== 'field';
  const calls = inputs.calls.filter((call) => typeOfExpr(call, () => undefined) !== undefined);
  const scannerOf = (call: Call | undefined): Scanner => {
    const driver = call && heartOf(call);
    const condition = select.condition && printExpr(select.condition);
    return {
      expression: call && printExpr(call),
      pushed: call && pushedOf(call),
      beside: refs.map(printExpr),
      condition,
      sources: select.sources.map(
        (source): ScannedSource =>
        source.kind === 'subquery'
          ? { kind: 'subquery', level: explainSelect(source.select, inner) }
          : { kind: 'measurements', driver: driver?.name, parts: partsOf(select, source, { grid, refs: driver === undefined ? refs : [driver, ...refs] }) }, // prettier-ignore
      ),
    };
  };
  const isRaw = inputs.calls.length === 0;
  const scanners = isRaw ? (refs.some(isKnown) ? [scannerOf(undefined)] : []) : calls.map(scannerOf); // prettier-ignore
  const isOutermost = around.grid === undefined;
  return { statement: printSelect(writtenOut(select, { nowNs, isOutermost })), scanners };
}

function heartOf(call: Call): Ref | undefined {
  let expr: Expr | undefined = call;
  while (expr?.kind === 'call') [expr] = expr.args;
  return expr?.kind === 'ref' ? expr : undefined;
}

function pushedOf(call: Call): string | undefined {
  let innermost = call;
  for (let [next] = call.args; next?.kind === 'call'; [next] = next.args) innermost = next;
  const [heart] = innermost.args;
  if (heart === undefined) return undefined;
  if (pushedCalls.has(innermost.name)) return printExpr(innermost);
  const isOfTags = innermost.args.length > 2;
  if (isOfTags && innermost.name === 'top') return `max(${printExpr(heart)})`;
  if (isOfTags && innermost.name === 'bottom') return `min(${printExpr(heart)})`;
  return printExpr(heart);
}

function partsOf(
  { compiled, condition }: ResolvedSelect,
  { found }: Extract<ResolvedSource, { kind: 'measurements' }>,
  { grid, refs }: { readonly grid: Grid; readonly refs: readonly Ref[] },
): readonly ScanPart[] {
  const fields = refs.flatMap(
    ({ name, type }) =>
    type === undefined || type === 'tag' || type === 'field' ? [] : [{ name, type: columnTypeOf(type) }], // prettier-ignore
  );
  const task: CostsTask = { kind: 'costs', fields };
  return found.map((one) => ({
    found: one,
    fragment: {
      version: fragmentVersion,
      measurement: one.schema.name,
      shardIds: [],
      minTimeNs: grid.startNs,
      maxTimeNs: grid.endNs,
      ascending: compiled.ascending,
      groupBy: [],
      predicate: predicateOf(one, condition),
      task,
    },
  }));
}

/** The outermost query is told without its bounds of time, those inside with them. */
function writtenOut(
  { compiled, fields, condition, groupBy, sources }: ResolvedSelect,
  { nowNs, isOutermost }: { readonly nowNs: bigint; readonly isOutermost: boolean },
): SelectStatement {
  const { statement, zone } = compiled;
  const inside = statement.condition && writtenCondition(statement.condition, condition, { nowNs, zone }); // prettier-ignore
  const times = statement.dimensions.filter(({ kind }) => kind === 'call');
  const isPlain = statement.dimensions.every(({ kind }) => kind === 'call' || kind === 'ref');
  const tags = groupBy.map((name): Expr => ({ kind: 'ref', name }));
  return {
    ...statement,
    fields,
    condition: isOutermost ? condition : inside,
    dimensions: isPlain ? statement.dimensions : [...times, ...tags],
    sources: statement.sources.map((source, i): Source => {
      const resolved = sources[i];
      if (source.kind !== 'subquery' || resolved?.kind !== 'subquery') return source;
      return { ...source, statement: writtenOut(resolved.select, { nowNs, isOutermost: false }) };
    }),
  };
}
