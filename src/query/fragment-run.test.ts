import { expect, test } from 'vitest';
import { packAlike, unpackAlike } from './fragment-run.ts';
import { fragmentVersion, type Fragment } from './fragment.ts';

function fragmentOf(measurement: string, part: Partial<Fragment> = {}): Fragment {
  const columns = [{ kind: 'field', name: 'v', type: 'float' }] as const;
  const predicate = { kind: 'compare-tag', tag: 'host', operator: '=', value: 'a' } as never;
  return {
    ...{ version: fragmentVersion, measurement, shardIds: [1, 2], groupBy: ['host'], predicate },
    ...{
      minTimeNs: 0n,
      maxTimeNs: 9n,
      ascending: true,
      task: { kind: 'rows', columns, rowsMax: 0 },
    },
    ...part,
  };
}

test('fragment run: what is alike but for the measurement is said once, and all is there again in order', () => {
  const other = fragmentOf('c', { maxTimeNs: 8n });
  const all = [fragmentOf('a'), fragmentOf('b'), other, fragmentOf('d'), fragmentOf('e')];
  const packed = packAlike(all);
  expect(packed.map(({ measurements }) => measurements)).toEqual([['a', 'b'], ['c'], ['d', 'e']]);
  expect(packed.flatMap(unpackAlike)).toEqual(all);
  expect(packAlike([])).toEqual([]);
});
