import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import type { Statement } from './ast.ts';
import { printStatement } from './printer.ts';
import { qualifySelect } from './qualify.ts';

/** What a real server printed; test/golden/record-printed.ts records it anew. */
const recorded = readFileSync(join(import.meta.dirname, 'testdata/printed.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as { query: string; printed: string });

/** The reference prints what it runs: measurements with their database and policy. */
function qualified(query: string): Statement {
  const [statement] = parseQuery(query);
  if (statement === undefined) throw new Error('a statement expected');
  const options = { database: 'none', defaultPolicy: () => 'autogen' };
  if (statement.kind === 'create-continuous-query')
    return { ...statement, select: qualifySelect(statement.select, options) };
  return statement.kind === 'select' ? qualifySelect(statement, options) : statement;
}

test.each(recorded)('printer: $query', ({ query, printed }) => {
  expect(printStatement(qualified(query))).toBe(printed);
});

/** Hidden passwords do not parse again, decimals past the third are lost, and so is the default fill. */
const lossless = recorded.filter(({ query }) => !/PASSWORD|0\.000001|fill\(null\)/.test(query));

test.each(lossless)('printer: what is printed parses to the same tree: $printed', ({ query }) => {
  const statement = qualified(query);
  expect(parseQuery(printStatement(statement))).toEqual([statement]);
});
