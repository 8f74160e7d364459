import { expect, test } from 'vitest';
import { fragmentVersion, type Fragment } from '../../query/fragment.ts';
import { FragmentTexts, KnownFragments } from './known-fragments.ts';

function fragmentOf(measurement: string): Fragment {
  return {
    version: fragmentVersion,
    measurement,
    shardIds: [1, 3],
    minTimeNs: -(2n ** 63n),
    maxTimeNs: 2n ** 63n - 1n,
    ascending: false,
    groupBy: ['hôst'],
    predicate: {
      kind: 'compare',
      operator: '=',
      left: { kind: 'tag', name: 'host' },
      right: { kind: 'constant', value: 'ß\u{1f600}' },
    },
    task: { kind: 'rows', columns: [{ kind: 'field', name: 'v', type: 'float' }], rowsMax: 0 },
  };
}

test('known fragments: one that is sent again is a text, which is the same fragment each time', () => {
  const texts = new FragmentTexts();
  const known = new KnownFragments();
  const fragment = fragmentOf('m');
  expect(known.fragmentOf(texts.bodyOf(fragment))).toBe(fragment);
  const body = texts.bodyOf(fragment);
  expect(body).toBeTypeOf('string');
  const taken = known.fragmentOf(body);
  expect(taken).toEqual(fragment);
  expect(known.fragmentOf(texts.bodyOf(fragment))).toBe(taken);
});

test('known fragments: a long one is sent as it is each time', () => {
  const texts = new FragmentTexts();
  const fragment = fragmentOf('m'.repeat(4_096));
  for (let i = 0; i < 3; i++) expect(texts.bodyOf(fragment)).toBe(fragment);
});

test('known fragments: past 1,024 all are forgotten', () => {
  const texts = new FragmentTexts();
  const known = new KnownFragments();
  const bodies = Array.from({ length: 1_025 }, (_, i) => {
    const fragment = fragmentOf(`m${i}`);
    texts.bodyOf(fragment);
    return texts.bodyOf(fragment);
  });
  const first = known.fragmentOf(bodies[0]);
  for (const body of bodies.slice(1, 1_024)) known.fragmentOf(body);
  expect(known.fragmentOf(bodies[0])).toBe(first);
  known.fragmentOf(bodies[1_024]);
  expect(known.fragmentOf(bodies[0])).not.toBe(first);
});
