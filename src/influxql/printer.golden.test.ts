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

/** Where 1.12.4 prints otherwise than the 1.6.7 that was recorded: the digits that mean the number, not three of them. */
const differs: ReadonlyMap<string, string> = new Map([
  ['b = 1.000 AND c = 1.250', 'b = 1.0 AND c = 1.25'],
  ['v > 0.000 AND', 'v > 0.000001 AND'],
]);

test.each(recorded)('printer: $query', ({ query, printed }) => {
  let wanted = printed;
  for (const [was, is] of differs) wanted = wanted.replace(was, is);
  expect(printStatement(qualified(query))).toBe(wanted);
});

/** Hidden passwords do not parse again, and the default fill is lost. */
const lossless = recorded.filter(({ query }) => !/PASSWORD|fill\(null\)/.test(query));

test.each(lossless)('printer: what is printed parses to the same tree: $printed', ({ query }) => {
  const statement = qualified(query);
  expect(parseQuery(printStatement(statement))).toEqual([statement]);
});

test('printer: a policy without a name is left out of CREATE DATABASE, as 1.12.4 has it', () => {
  expect(printStatement(qualified('CREATE DATABASE d WITH NAME ""'))).toBe(
    'CREATE DATABASE d WITH',
  );
});
