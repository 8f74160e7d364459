import { expect, test } from 'vitest';
import type { Expr } from '../../../influxql/ast.ts';
import { parseQuery } from '../../../influxql/parser.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { ListPiece } from '../../engine/lists/schema-list.ts';
import type { ShardAccess } from '../../engine/shard-access.ts';
import { namedMeasurements } from './measurements-condition.ts';
import { SchemaReader } from './schema-reader.ts';
import { showTagValues } from './show-tags.ts';

const valueCount = 500;
const values = Array.from({ length: valueCount }, (_, i) => `value_${i}`).sort();
const schema: MeasurementSchema = {
  name: 'm',
  fields: new Map([['v', 'float']]),
  tagKeys: new Set(['n']),
};

/** Lists of one measurement, and how often others were let run; the statement is killed at turn `killedAt`. */
function reader(killedAt = Infinity) {
  const seen = { turnCount: 0 };
  const pacer = {
    rest: () => {
      if (++seen.turnCount === killedAt) throw new Error('query interrupted');
      return Promise.resolve();
    },
  };
  const access = {
    list: async function* ({ of }: { readonly of: string }): AsyncGenerator<readonly ListPiece[]> {
      const isSeries = of === 'series';
      const texts = isSeries ? values.map((value) => `m,n=${value}`) : values;
      yield await Promise.resolve([{ at: 0, key: isSeries ? '' : 'n', texts }]);
    },
  } as unknown as ShardAccess;
  const participants = [{ nodeId: 1, access, description: { measurements: [], lanes: [[1]] } }];
  const { signal } = new AbortController();
  return {
    reader: new SchemaReader([{ participants, schemas: [schema] }], { signal, pacer }),
    seen,
  };
}

function tagValues(condition: string) {
  const [statement] = parseQuery(`SHOW TAG VALUES FROM m WITH KEY = n WHERE ${condition}`);
  if (statement?.kind !== 'show-tag-values') throw new Error('SHOW TAG VALUES expected');
  return statement;
}

test.each([
  { of: 'series that terms of fields are asked of', condition: 'n =~ /^none/ AND v > 3' },
  { of: 'values', condition: 'value =~ /_7/' },
])('list turns: others run between the $of, and a kill ends it there', async ({ condition }) => {
  const statement = tagValues(condition);
  const one = reader();
  await showTagValues(statement, one.reader);
  expect(one.seen.turnCount).toBeGreaterThanOrEqual(valueCount);
  const other = reader(100);
  await expect(showTagValues(statement, other.reader)).rejects.toThrow('query interrupted');
  expect(other.seen.turnCount).toBe(100);
});

function conditionOf(text: string): Expr {
  const [statement] = parseQuery(`SHOW MEASUREMENTS WHERE ${text}`);
  const found = statement?.kind === 'show-measurements' ? statement.condition : undefined;
  if (found === undefined) throw new Error('a condition expected');
  return found;
}

test('list turns: others run between the values of a measurement', async () => {
  const measurement = { name: 'm', values: new Map([['n', new Set(values)]]) };
  let turnCount = 0;
  const rest = () => {
    turnCount++;
    return Promise.resolve();
  };
  expect(await namedMeasurements(conditionOf('n =~ /^none/'), [measurement], rest)).toEqual([]);
  expect(turnCount).toBe(valueCount);
  expect(await namedMeasurements(conditionOf('n !~ /^none/'), [measurement], rest)).toEqual([measurement]); // prettier-ignore
  expect(await namedMeasurements(conditionOf("n = 'value_3'"), [measurement], rest)).toEqual([measurement]); // prettier-ignore
});
