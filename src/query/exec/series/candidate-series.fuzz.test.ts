import fc from 'fast-check';
import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { MemorySource } from '../../../../test/support/memory-source.ts';
import { specialize, type Predicate } from '../../predicate.ts';
import { candidateSeries, listedSeries } from './candidate-series.ts';

const text = fc.constantFrom('', 'a', 'b', 'ab', 'ba');
const tag = fc.constantFrom('h', 'r', 'none');
const operand = fc.oneof(
  fc.record({ kind: fc.constant('tag' as const), name: tag }),
  fc.record({ kind: fc.constant('constant' as const), value: text }),
  fc.record({ kind: fc.constant('field' as const), name: fc.constant('v') }),
);
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { depthSize: 'small' },
    fc.record({ kind: fc.constant('compare' as const), operator: fc.constantFrom('=' as const, '!=' as const, '<' as const), left: operand, right: operand }), // prettier-ignore
    fc.record({ kind: fc.constant('match' as const), operand, pattern: fc.constantFrom('a', '^a$', '^$', '.*'), negated: fc.boolean() }), // prettier-ignore
    fc.record({ kind: fc.constant('constant' as const), value: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('predicate'), right: tie('predicate') }), // prettier-ignore
  ),
}));
const series = fc.uniqueArray(fc.record({ h: text, r: text }), { selector: ({ h, r }) => `${h} ${r}`, minLength: 1, maxLength: 12 }); // prettier-ignore

const matcher = (pattern: string) => (value: string) => new RegExp(pattern).test(value);

test('candidate series: none that passes is left out, those that lists tell exactly all pass, in order of their keys', () => {
  fc.assert(
    fc.property(series, predicate, (some, asked) => {
      const source = new MemorySource(
        some.map((tags) => ({
          measurement: 'm',
          tags: Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== '')),
          fields: { v: 1 },
          timeNs: 1n,
        })),
      );
      const all = [...finished(source.seriesIds('m'))];
      const listed = finished(
        listedSeries(source, { measurement: 'm', predicate: asked }, matcher),
      );
      const found = [...listed.ids];
      expect(found).toEqual(all.filter((id) => found.includes(id)));
      for (const id of all) {
        const passes = specialize(asked, source.series(id).tags, matcher) !== false;
        if (passes || listed.isExact) expect(found.includes(id)).toBe(passes);
      }
    }),
    { numRuns: 2_000, seed: 4 },
  );
});

test.each([
  [{ kind: 'match', operand: { kind: 'tag', name: 'h' }, pattern: '^a', negated: false }, 2],
  [{ kind: 'match', operand: { kind: 'tag', name: 'h' }, pattern: '^a', negated: true }, 2],
  [{ kind: 'compare', operator: '!=', left: { kind: 'tag', name: 'h' }, right: { kind: 'constant', value: 'b' } }, 3], // prettier-ignore
  [{ kind: 'compare', operator: '!=', left: { kind: 'tag', name: 'h' }, right: { kind: 'constant', value: '' } }, 3], // prettier-ignore
] as const)('candidate series: %j asks values, and no series but %i', (asked, count) => {
  const tags = [{ h: 'a' }, { h: 'ab' }, { h: 'b' }, {}] as readonly Record<string, string>[];
  const source = new MemorySource(tags.map((one) => ({ measurement: 'm', tags: one, fields: { v: 1 }, timeNs: 1n }))); // prettier-ignore
  expect([...finished(candidateSeries(source, { measurement: 'm', predicate: asked }, matcher))]).toHaveLength(count); // prettier-ignore
  expect(finished(listedSeries(source, { measurement: 'm', predicate: asked }, matcher)).isExact).toBe(true); // prettier-ignore
});

test('candidate series: of a tag with more values than are looked up, those that few of them pass are asked alone', () => {
  const source = new MemorySource(
    Array.from({ length: 20_000 }, (_, i) => ({ measurement: 'm', tags: { h: `h${i}` }, fields: { v: 1 }, timeNs: 1n })),
  ); // prettier-ignore
  const asked = (pattern: string, negated: boolean) => {
    const predicate: Predicate = { kind: 'match', operand: { kind: 'tag', name: 'h' }, pattern, negated }; // prettier-ignore
    const { ids, isExact } = finished(listedSeries(source, { measurement: 'm', predicate }, matcher)); // prettier-ignore
    return [[...ids].length, isExact];
  };
  expect(asked('^h1999', false)).toEqual([11, true]);
  expect(asked('^h1999', true)).toEqual([19_989, true]);
  expect(asked('h', false)).toEqual([20_000, false]);
});
