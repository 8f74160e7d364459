import type { Expr } from '../../influxql/ast.ts';
import { subqueryReader } from './plan-feeds.ts';
import type { ResolvedSelect } from './resolve-select.ts';

type Call = Extract<Expr, { kind: 'call' }>;
type Ref = Extract<Expr, { kind: 'ref' }>;

/**
 * Of several sources the first says the type of what max() and its like give: a subquery that lacks the field says float,
 * and whatever else the others have is nothing, in the reference.
 */
export function isLostInMerge(call: Call, heart: Ref, { sources }: ResolvedSelect): boolean {
  const [first, ...others] = sources;
  if (others.length === 0 || first?.kind !== 'subquery' || heart.type === 'float') return false;
  return (
    mergesByType(innermostCall(call)) && subqueryReader(first.select)(heart.name).kind === 'null'
  );
}

/** Calls that the reference makes for each source and then once more of what came. */
function mergesByType({ name, args }: Call): boolean {
  const asksTags = (name === 'top' || name === 'bottom') && args.length > 2;
  return asksTags || ['first', 'last', 'max', 'min', 'sum'].includes(name);
}

function innermostCall(call: Call): Call {
  const [argument] = call.args;
  return argument?.kind === 'call' ? innermostCall(argument) : call;
}
