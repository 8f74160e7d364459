import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import { sortedNames, type MeasurementSchema } from './schema.ts';

/** What GROUP BY asks for. */
export interface Dimensions {
  /** Tag keys, sorted. */
  readonly groupBy: readonly string[];
  /** 0 without time(). */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
}

/** Resolves GROUP BY: tags by name, `*` and regular expression, and one time(interval[, offset]). */
export function compileDimensions(
  dimensions: readonly Expr[],
  schema: MeasurementSchema,
  nowNs: bigint,
): Dimensions {
  const tags = new Set<string>();
  let time: { intervalNs: bigint; offsetNs: bigint } | undefined;
  for (const whole of dimensions) {
    const dimension = unwrap(whole);
    switch (dimension.kind) {
      case 'ref':
        if (dimension.name.toLowerCase() === 'time')
          throw invalid('time() is a function and expects at least one argument');
        tags.add(dimension.name);
        break;
      case 'wildcard':
        for (const key of schema.tagKeys) tags.add(key);
        break;
      case 'regex': {
        const matches = compileRegex(dimension.source);
        for (const key of schema.tagKeys) if (matches(key)) tags.add(key);
        break;
      }
      case 'call':
        if (time !== undefined) throw invalid('multiple time dimensions not allowed');
        time = timeDimension(dimension, nowNs);
        break;
      default:
        throw invalid('only time and tag dimensions allowed');
    }
  }
  const { intervalNs, offsetNs } = time ?? { intervalNs: 0n, offsetNs: 0n };
  return { groupBy: sortedNames(tags), intervalNs, offsetNs };
}

function timeDimension(
  call: Extract<Expr, { kind: 'call' }>,
  nowNs: bigint,
): { intervalNs: bigint; offsetNs: bigint } {
  if (call.name !== 'time') throw invalid('only time() calls allowed in dimensions');
  const [interval, offset] = call.args;
  if (call.args.length === 0 || call.args.length > 2)
    throw invalid('time dimension expected 1 or 2 arguments');
  if (interval?.kind !== 'duration') throw invalid('time dimension must have duration argument');
  // The reference takes an interval of nothing as none.
  if (interval.valueNs <= 0n) return { intervalNs: 0n, offsetNs: 0n };
  if (offset === undefined) return { intervalNs: interval.valueNs, offsetNs: 0n };
  if (offset.kind === 'duration')
    return { intervalNs: interval.valueNs, offsetNs: offset.valueNs % interval.valueNs };
  if (offset.kind === 'call' && offset.name === 'now')
    return { intervalNs: interval.valueNs, offsetNs: nowNs % interval.valueNs };
  throw invalid('time dimension offset must be duration or now()');
}

function unwrap(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrap(expr.expr) : expr;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
