import type { FunctionDefinition } from './function.ts';

/**
 * All functions by name. Fields of the list join `functions` here and nowhere else. count, sum, mean, min, max, first,
 * last and spread of fields are summed up where the shards are (`fragment.ts`); they are here as well, for calls over
 * subqueries and with other fields beside them.
 */
const functions: ReadonlyMap<string, FunctionDefinition> = new Map<string, FunctionDefinition>([]);

export function findFunction(name: string): FunctionDefinition | undefined {
  return functions.get(name);
}
