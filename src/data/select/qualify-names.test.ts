import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { printStatement } from '../../influxql/printer.ts';
import { errorText } from '../../base/errors.ts';
import { qualifyNames } from './qualify-names.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { prepareSelect } from './select-runner.ts';

/** `d` and `e` have the policy `p` beside autogen, `f` has none but autogen. */
async function threeDatabases(): Promise<MemoryMeta> {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'create-data-node', httpAddress: 'h', tcpAddress: 't', dataNodesMax: 1 }); // prettier-ignore
  for (const name of ['d', 'e', 'f']) {
    await meta.execute({ kind: 'create-database', name });
    if (name === 'f') continue;
    await meta.execute({ kind: 'create-retention-policy', database: name, policy: { name: 'p' }, isDefault: false }); // prettier-ignore
  }
  return meta;
}

test('names: the policy of a request is that of every source and target that names none, as in 1.12.4', async () => {
  const meta = await threeDatabases();
  const qualified = (text: string, retentionPolicy = 'p'): string => {
    const [statement] = parseQuery(text) as SelectStatement[];
    if (statement === undefined) throw new Error('it is one');
    return printStatement(qualifyNames(statement, { database: 'd', retentionPolicy }, meta));
  };
  expect(qualified('SELECT v FROM m, e..m')).toBe('SELECT v FROM d.p.m, e.p.m');
  expect(qualified('SELECT v FROM (SELECT v FROM e..m)')).toBe('SELECT v FROM (SELECT v FROM e.p.m)'); // prettier-ignore
  expect(qualified('SELECT v INTO e..o FROM e.autogen.m')).toBe('SELECT v INTO e.p.o FROM e.autogen.m'); // prettier-ignore
  expect(qualified('SELECT v FROM m, f..m', '')).toBe('SELECT v FROM d.autogen.m, f.autogen.m');
});

test('names: a database without a default policy is read by the names of its policies', async () => {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'create-bare-database', name: 'd' });
  const qualified = (text: string): string => {
    const [statement] = parseQuery(text) as SelectStatement[];
    if (statement === undefined) throw new Error('it is one');
    return printStatement(qualifyNames(statement, { database: 'd', retentionPolicy: '' }, meta));
  };
  expect(qualified('SELECT v INTO b.o FROM a.m')).toBe('SELECT v INTO d.b.o FROM d.a.m');
  const unset = 'default retention policy not set for: d';
  expect(() => qualified('SELECT v FROM m')).toThrow(unset);
  expect(() => qualified('SELECT v INTO o FROM a.m')).toThrow(unset);
});

/** What the first reason is that a statement does not run for. */
async function refusalOf(text: string): Promise<string> {
  const meta = await threeDatabases();
  const [statement] = parseQuery(text) as SelectStatement[];
  if (statement === undefined) throw new Error('it is one');
  const context = { database: 'd', retentionPolicy: 'p', bucketsMax: 0, nowNs: 0n };
  try {
    prepareSelect(statement, context as SelectContext, { meta } as unknown as SelectPorts);
    return '';
  } catch (error) {
    return errorText(error);
  }
}

test('names: what is wrong with a statement is said before a policy that is not there, and behind a database, as in 1.12.4', async () => {
  const cases = [
    ['SELECT v FROM m, f..m', 'retention policy not found: p'],
    ['SELECT v FROM nosuch.m', 'retention policy not found: nosuch'],
    ['SELECT count() FROM nosuch.m', 'invalid number of arguments for count, expected 1, got 0'],
    ['SELECT mean() FROM (SELECT v FROM nosuch./m/)', 'invalid number of arguments for mean, expected 1, got 0'],
    ["SELECT v FROM nosuch.m WHERE time > 'x'", 'invalid operation: time and *influxql.StringLiteral are not compatible'],
    ['SELECT count() FROM nosuch..m', 'database not found: nosuch'],
    ['SELECT v FROM nosuch..m, _series', "unable to use system source '_series': use SHOW SERIES instead"],
  ]; // prettier-ignore
  for (const [text = '', refusal] of cases) expect([text, await refusalOf(text)]).toEqual([text, refusal]); // prettier-ignore
});
