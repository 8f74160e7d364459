import { expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { regexCache } from '../../influxql/regex.ts';
import type { Predicate } from '../../query/predicate.ts';
import { ShardView } from '../../storage/engine/shard-view.ts';
import type { ListedMeasurement } from './lists/schema-list.ts';
import { filterOf, filterTests, isAnySelected, measurementsOf } from './delete-filters.ts';

const isA: Predicate = {
  kind: 'compare',
  operator: '=',
  left: { kind: 'tag', name: 'h' },
  right: { kind: 'constant', value: 'a b' },
};
const isLike: Predicate = { kind: 'match', operand: { kind: 'tag', name: 'h' }, pattern: '^x', negated: true }; // prettier-ignore
const isOfI: Predicate = { kind: 'match', operand: { kind: 'tag', name: 'i' }, pattern: '0', negated: false }; // prettier-ignore
const measurements = [{ name: 'm, ü.' }, { name: '' }, { name: 'n', predicate: isA }, { name: 'o', predicate: isLike }]; // prettier-ignore

test('filters of deletes: measurements and conditions come back as they were, in ASCII', () => {
  expect(measurementsOf(filterOf(measurements))).toEqual(measurements);
  expect(filterOf(measurements)).toMatch(/^[\x20-\x7e]*$/);
  expect(measurementsOf(filterOf([]))).toEqual([]);
});

test('filters of deletes: a series passes by its measurement and its tags', () => {
  const test = filterTests()(filterOf(measurements));
  const passes = (key: string, measurement: string): boolean => test(Buffer.from(key), measurement);
  expect(passes('m\\,\\ ü.,h=z', 'm, ü.')).toBe(true);
  expect(passes('n,h=a\\ b', 'n')).toBe(true);
  expect(passes('n,h=a', 'n')).toBe(false);
  expect(passes('n', 'n')).toBe(false);
  expect(passes('o,g=1', 'o')).toBe(true);
  expect(passes('o,h=xy', 'o')).toBe(false);
  expect(passes('p', 'p')).toBe(false);
});

test('deletes: whether any series is meant is asked of no more series than it takes to find one', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const lines = Array.from(
    { length: 3_000 },
    (_, i) => `n,h=a\\ b,i=${i} v=1 1\no,h=y,i=${i} v=1 1`,
  );
  const look = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf(lines.join('\n')));
    const view = must(store.view(kept.shardId), 'a shard that was written to');
    let seenCount = 0;
    const series = (id: number) => {
      seenCount++;
      return ShardView.prototype.series.call(view, id);
    };
    Object.assign(view, { series });
    const ports = { clock: env.clock, turn: () => Promise.resolve(), matcher: regexCache() };
    const ask = (...named: readonly ListedMeasurement[]) => isAnySelected(view, named, ports);
    expect(await ask({ name: 'p' })).toBe(false);
    expect(await ask({ name: 'p' }, { name: 'o' })).toBe(true);
    expect(await ask({ name: 'o', predicate: isA })).toBe(false);
    expect(await ask({ name: 'n', predicate: isA })).toBe(true);
    expect(seenCount).toBe(0);
    const isBoth: Predicate = { kind: 'and', left: isLike, right: isOfI };
    expect(await ask({ name: 'o', predicate: isBoth })).toBe(true);
    expect(seenCount).toBe(1);
    view.release();
    await store.close();
  };
  await world.complete(look(), 10_000_000);
});
