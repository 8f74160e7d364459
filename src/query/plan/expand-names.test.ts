import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from './compile-statement.ts';
import { resolveInSlices, type ResolvedSelect } from './resolve-select.ts';

const fieldCount = 2_000;
const fields = new Map(
  Array.from({ length: fieldCount }, (_, i) => [`field_${i}`, 'float'] as const),
);

function resolve(list: string, rest: () => Promise<void> | undefined): Promise<ResolvedSelect> {
  const [statement] = parseQuery(`SELECT ${list} FROM db.rp.m`);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  const compiled = compileStatement(statement, { nowNs: 0n });
  const schema = { name: 'm', fields, tagKeys: new Set<string>() };
  const find = () => [{ database: 'db', retentionPolicy: 'rp', schema }];
  return resolveInSlices(compiled, find, { rest });
}

const patterns = (count: number, text: string): string =>
  Array.from({ length: count }, (_, i) => `max(/^${text}.*${i}$/)`).join(', ');

test('expand names: others run between the names that a pattern is held against', async () => {
  let restCount = 0;
  const { fields: made } = await resolve(`${patterns(10, 'field')}, max(field_7)`, () => {
    restCount++;
    return Promise.resolve();
  });
  expect(restCount).toBeGreaterThan((10 * fieldCount) / 100);
  expect(made).toHaveLength(fieldCount + 1);
  expect(made.slice(0, 2).map(({ alias }) => alias)).toEqual(['max_field_0', 'max_field_10']);
});

test('expand names: a query that is killed meanwhile ends there', async () => {
  let restCount = 0;
  const killed = resolve(patterns(500, 'none'), () => {
    if (++restCount === 5) throw new Error('query interrupted');
    return undefined;
  });
  await expect(killed).rejects.toThrow('query interrupted');
  expect(restCount).toBe(5);
});

test('expand names: wildcards that multiply names beyond what a plan may hold are refused', async () => {
  const many = resolve(Array(501).fill('*').join(', '), () => undefined);
  await expect(many).rejects.toThrow('max number of columns exceeded: 1000000');
});
