import type { Expr, SelectStatement } from '../../influxql/ast.ts';
import { maxTimeNs } from '../../base/units.ts';
import type { CompiledSelect } from './compile-statement.ts';
import { visitExpr } from './walk-expr.ts';

/** Whether another moment makes another plan of the statement: it names now(), or has time() in GROUP BY, which ends there. */
export function readsClock(compiled: CompiledSelect): boolean {
  const { maxNs } = compiled.range;
  const isBounded = maxNs !== undefined && maxNs < maxTimeNs;
  return namesNow(compiled.statement) || (!isBounded && hasInterval(compiled));
}

function hasInterval({ groupBy, sources }: CompiledSelect): boolean {
  return (
    groupBy.writtenNs !== 0n ||
    sources.some((source) => source.kind === 'subquery' && hasInterval(source.select))
  );
}

function namesNow({ fields, condition, dimensions, sources }: SelectStatement): boolean {
  const exprs: readonly Expr[] = [
    ...fields.map(({ expr }) => expr),
    ...dimensions,
    ...(condition === undefined ? [] : [condition]),
  ];
  return (
    exprs.some(isNowInside) ||
    sources.some((source) => source.kind === 'subquery' && namesNow(source.statement))
  );
}

function isNowInside(root: Expr): boolean {
  let found = false;
  visitExpr(root, (part) => (found ||= part.kind === 'call' && part.name.toLowerCase() === 'now'));
  return found;
}
