import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { looksLikeTime, parseTimeLiteral } from '../../influxql/time-literal.ts';
import type { TimeZone } from '../../base/time-zone.ts';
import { timeOrLength } from '../compile/time-value.ts';
import { reduceExpr } from './reduce-expr.ts';

/** GROUP BY as written: the tags and patterns that are left once time() was taken out. */
export interface GroupBy {
  /** References, wildcards and regular expressions, reduced. */
  readonly tags: readonly Expr[];
  /** Of the windows: 0 without time(). Of several time() the first one tells, of which only the last may be other than 0. */
  readonly intervalNs: bigint;
  /** The last as it is written, be it negative: by it calls are checked, and with one there is nothing behind now. */
  readonly writtenNs: bigint;
  readonly offsetNs: bigint;
  /** What the reference finds wrong with the offset once it makes a plan. */
  readonly offsetError: string | undefined;
}

/** Checks and parts GROUP BY before any schema is known (spec 6.3). Throws the reference's texts. */
export function compileGroupBy(
  dimensions: readonly Expr[],
  nowNs: bigint,
  zone: TimeZone | undefined,
): GroupBy {
  const tags: Expr[] = [];
  let firstNs: bigint | undefined;
  let writtenNs = 0n;
  let offsetNs = 0n;
  let offsetError: string | undefined;
  for (const written of dimensions) {
    const dimension = reduceExpr(written);
    switch (dimension.kind) {
      case 'ref':
        if (dimension.name.toLowerCase() === 'time')
          throw invalid('time() is a function and expects at least one argument');
        tags.push(dimension);
        break;
      case 'wildcard':
      case 'regex':
        tags.push(dimension);
        break;
      case 'call': {
        const intervalNs = intervalOf(dimension);
        if (writtenNs !== 0n) throw invalid('multiple time dimensions not allowed');
        firstNs ??= intervalNs;
        writtenNs = intervalNs;
        const [, offset] = dimension.args;
        if (offset !== undefined) offsetNs = offsetOf(offset, { intervalNs, nowNs, zone });
        if (offset?.kind === 'string')
          offsetError = `invalid time dimension offset: ${printExpr(offset)}`;
        break;
      }
      default:
        throw invalid('only time and tag dimensions allowed');
    }
  }
  // The reference takes an interval of nothing, or a negative one, as none.
  if (firstNs === undefined || firstNs <= 0n)
    return { tags, intervalNs: 0n, writtenNs, offsetNs: 0n, offsetError: undefined };
  return { tags, intervalNs: firstNs, writtenNs, offsetNs, offsetError };
}

function intervalOf({ name, args }: Extract<Expr, { kind: 'call' }>): bigint {
  if (name !== 'time') throw invalid('only time() calls allowed in dimensions');
  const [interval] = args;
  if (args.length < 1 || args.length > 2) throw invalid('time dimension expected 1 or 2 arguments');
  if (interval?.kind !== 'duration') throw invalid('time dimension must have duration argument');
  return interval.valueNs;
}

/** To 1970 from the first of January of the year 1, from where the reference counts the intervals before a point: weeks begin on Mondays. */
const fromYearOneNs = 719_162n * 86_400_000_000_000n;

function offsetOf(
  offset: Expr,
  { intervalNs, nowNs, zone }: { readonly intervalNs: bigint; readonly nowNs: bigint; readonly zone: TimeZone | undefined }, // prettier-ignore
): bigint {
  // Of windows of no length an offset is nothing, and is looked at all the same.
  const byNs = intervalNs === 0n ? 1n : intervalNs;
  switch (offset.kind) {
    case 'duration':
      return offset.valueNs % byNs;
    case 'call':
      if (offset.name !== 'now') throw invalid('time dimension offset function must be now()');
      if (offset.args.length > 0)
        throw invalid('time dimension offset now() function requires no arguments');
      return (nowNs + fromYearOneNs) % byNs;
    case 'string': {
      if (!looksLikeTime(offset.value))
        throw invalid('time dimension offset must be duration or now()');
      const timeNs = parseTimeLiteral(offset.value, zone);
      if (timeNs === undefined) throw invalid('invalid timestamp string');
      return timeNs % byNs;
    }
    default: {
      const { pointNs, lengthNs } = timeOrLength(offset, zone);
      if (lengthNs !== undefined) return lengthNs % byNs;
      if (pointNs === undefined) throw invalid('time dimension offset must be duration or now()');
      return (pointNs + fromYearOneNs) % byNs;
    }
  }
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
