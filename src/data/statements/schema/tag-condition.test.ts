import { expect, test } from 'vitest';
import { parseQuery } from '../../../influxql/parser.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import { tagCondition } from './tag-condition.ts';
import { tagSeries } from './tag-series.ts';

test('tag condition: tens of thousands of terms are no deeper than a few', () => {
  const terms = Array.from({ length: 30_000 }, (_, i) => `host != '${i}'`);
  const [statement] = parseQuery(`SHOW TAG KEYS WHERE ${terms.join(' AND ')}`);
  const condition = statement?.kind === 'show-tag-keys' ? statement.condition : undefined;
  const { rest } = tagCondition(condition);
  const schema = { name: 'cpu', fields: new Map(), tagKeys: new Set(['host']) };
  expect(tagSeries(rest, schema)).toEqual(compilePredicate(condition, schema));
});
