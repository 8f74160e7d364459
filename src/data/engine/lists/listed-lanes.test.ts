import { expect, test } from 'vitest';
import { ListedLanes } from './listed-lanes.ts';
import type { ListPiece, ListRequest } from './schema-list.ts';

const request: ListRequest = { of: 'series', shardIds: [1, 3], measurements: [{ name: 'm' }] };
const pieces: readonly ListPiece[] = [{ at: 0, key: '', texts: ['m,host=a'] }];

function keep(listed: ListedLanes, seriesVersion: number, asked = request, found = pieces): void {
  const gathering = listed.begin(0, asked);
  gathering?.add(found);
  gathering?.end(seriesVersion);
}

test('listed lanes: a list holds until a write says that there are more series', () => {
  const listed = new ListedLanes();
  expect(listed.find(0, request)).toBeUndefined();
  keep(listed, 4);
  listed.seen(0, 4);
  expect(listed.find(0, request)).toEqual(pieces);
  expect(listed.find(0, { ...request, of: 'tag-keys' })).toBeUndefined();
  expect(listed.find(0, { ...request, shardIds: [1] })).toBeUndefined();
  listed.seen(0, 5);
  expect(listed.find(0, request)).toBeUndefined();
});

test('listed lanes: a list that was overtaken by a write, or is not whole, is not given again', () => {
  const listed = new ListedLanes();
  listed.seen(0, 9);
  keep(listed, 8);
  expect(listed.find(0, request)).toBeUndefined();
  listed.begin(0, request)?.add(pieces);
  expect(listed.find(0, request)).toBeUndefined();
});

test('listed lanes: versions of one worker say nothing of another; what is cleared is gone', () => {
  const listed = new ListedLanes();
  keep(listed, 2);
  listed.seen(1, 50);
  expect(listed.find(0, request)).toEqual(pieces);
  listed.clear();
  expect(listed.find(0, request)).toBeUndefined();
});

test('listed lanes: sketches, lists with a condition and long ones are made each time', () => {
  const listed = new ListedLanes();
  const predicate = { kind: 'constant', value: true } as const;
  expect(listed.begin(0, { ...request, of: 'series-sketch' })).toBeUndefined();
  expect(listed.begin(0, { ...request, measurements: [{ name: 'm', predicate }] })).toBeUndefined();
  keep(listed, 1, request, [{ at: 0, key: '', texts: ['m'.repeat(65_536)] }]);
  expect(listed.find(0, request)).toBeUndefined();
});

test('listed lanes: all lists together are bounded', () => {
  const listed = new ListedLanes();
  const texts = ['m'.repeat(60_000)];
  const asked = (i: number): ListRequest => ({ ...request, shardIds: [i] });
  for (let i = 0; i < 69; i++) keep(listed, 1, asked(i), [{ at: 0, key: '', texts }]);
  expect(listed.find(0, asked(0))).toBeDefined();
  keep(listed, 1, asked(69), [{ at: 0, key: '', texts }]);
  expect(listed.find(0, asked(0))).toBeUndefined();
  expect(listed.find(0, asked(69))).toBeDefined();
});
