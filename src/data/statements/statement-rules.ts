import type { Statement } from '../../influxql/ast.ts';
import type { RulesOf } from '../access/series-rules.ts';
import type { Principal } from './principal.ts';

/** What whoever runs a statement is bound to, database by database. */
export interface StatementRules {
  readonly reads: RulesOf;
  readonly writes: RulesOf;
}

/** Undefined for a statement that touches no database of which anything is restricted for the one who asks. */
export function statementRules(
  statement: Statement,
  { principal, database }: { readonly principal: Principal; readonly database: string },
): StatementRules | undefined {
  if (!principal.isBound) return undefined;
  const reads: RulesOf = (name) => principal.rules('read', name);
  const writes: RulesOf = (name) => principal.rules('write', name);
  // What a continuous query reads and writes stands in the catalog, not in the statement.
  if (statement.kind === 'execute-continuous-query') return { reads, writes };
  const isRestricted = [...databasesOf(statement, database)].some(
    (name) => reads(name) !== undefined || writes(name) !== undefined,
  );
  return isRestricted ? { reads, writes } : undefined;
}

/** All that stand anywhere in it: whatever a statement learns to name is bound too. */
function databasesOf(statement: Statement, database: string): ReadonlySet<string> {
  const names = new Set([database]);
  const waiting: unknown[] = [statement];
  for (let next = waiting.pop(); waiting.length > 0 || next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, value] of Object.entries(next) as (readonly [string, unknown])[])
      if (key === 'database' && typeof value === 'string') names.add(value);
      else if (typeof value === 'object') waiting.push(value);
  }
  return names;
}
