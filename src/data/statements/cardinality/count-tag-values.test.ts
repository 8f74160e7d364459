import { expect, test } from 'vitest';
import { parseQuery } from '../../../influxql/parser.ts';
import type { ListPiece } from '../../engine/lists/schema-list.ts';
import type { ShardAccess } from '../../engine/shard-access.ts';
import { SchemaReader } from '../schema/schema-reader.ts';
import { countGroups } from './cardinality-groups.ts';
import type { CardinalityQuery } from './cardinality-query.ts';
import { countTagValues } from './count-tag-values.ts';

const series = {
  cpu: ['cpu,host=a,region=a', 'cpu,host=b', 'cpu,host=c,region=eu', 'cpu,region=a'],
  disk: ['disk,host=a', 'disk,host=z'],
  mem: ['mem'],
};
const tagKeys = { cpu: ['host', 'region'], disk: ['host'], mem: [] };
const names = Object.keys(series) as (keyof typeof series)[];

/** What a shard with these series lists, in pieces of two texts. */
const access = {
  list: async function* ({ of, measurements }: Parameters<ShardAccess['list']>[0]) {
    for (const [at, { name, tagKeys: keys = [''] }] of measurements.entries())
      for (const key of keys) {
        const all = series[name as keyof typeof series];
        const found = all.flatMap((one) => (of === 'series' ? one : (new RegExp(`,${key}=([^,]+)`).exec(one)?.[1] ?? []))); // prettier-ignore
        const texts = [...new Set(found)].sort();
        const pieces: ListPiece[] = [];
        for (let i = 0; i < texts.length; i += 2) pieces.push({ at, key, texts: texts.slice(i, i + 2) }); // prettier-ignore
        yield await Promise.resolve(pieces);
      }
  },
} as unknown as ShardAccess;

function reader(of = access): SchemaReader {
  const schemas = names.map((name) => ({ name, fields: new Map(), tagKeys: new Set(tagKeys[name]) })); // prettier-ignore
  const participants = [{ nodeId: 1, access: of, description: { measurements: [], lanes: [[1]] } }];
  const pacer = { rest: () => undefined };
  return new SchemaReader([{ participants, schemas }], { signal: new AbortController().signal, pacer }); // prettier-ignore
}

function question(keys: string): CardinalityQuery {
  const [statement] = parseQuery(`SHOW TAG VALUES EXACT CARDINALITY WITH KEY ${keys}`);
  if (statement?.kind !== 'show-cardinality') throw new Error('a cardinality expected');
  return { ...statement, hasTime: false };
}

test.each([
  ['= host', { cpu: 3, disk: 2 }],
  ['IN (host, region)', { cpu: 4, disk: 2 }],
  ['=~ /r/', { cpu: 2 }],
  ['!= host', { cpu: 2 }],
  ['= none', {}],
])('SHOW TAG VALUES CARDINALITY %s: by lists of values as by series', async (keys, counts) => {
  const answer = await countTagValues(question(keys), reader());
  expect(answer).toEqual(await countGroups(question(keys), reader()));
  expect(Object.fromEntries(answer.map((row) => [row.name, 'rows' in row && row.rows[0]?.[0]]))).toEqual(counts); // prettier-ignore
});

test('cardinality: values that nobody keeps may be more than an answer can hold', async () => {
  const long = 'x'.repeat(8 << 20);
  const counts = { cpu: 200, disk: 0, mem: 0 };
  const many = {
    list: async function* ({ measurements }: Parameters<ShardAccess['list']>[0]) {
      for (const [at, { name, tagKeys: keys = [''] }] of measurements.entries())
        for (const key of keys)
          for (let i = 0; i < counts[name as keyof typeof counts]; i++)
            yield await Promise.resolve([{ at, key, texts: [`${100 + i}${long}`] }]);
    },
  } as unknown as ShardAccess;
  expect(await countTagValues(question('= host'), reader(many))).toMatchObject([{ name: 'cpu', rows: [[200]] }]); // prettier-ignore
  // Of several tags they are kept.
  await expect(countTagValues(question('IN (host, region)'), reader(many))).rejects.toThrow('query memory limit exceeded'); // prettier-ignore
});
