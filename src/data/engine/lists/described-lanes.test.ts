import { expect, test } from 'vitest';
import { DescribedLanes } from './described-lanes.ts';

const request = { shardIds: [1, 3], only: ['m'] };
const measurements = [{ name: 'm', fields: [['v', 'float']] as const, tagKeys: ['t'] }];

test('described lanes: a description holds until a write says that schemas have grown', () => {
  const described = new DescribedLanes();
  expect(described.find(0, request)).toBeUndefined();
  described.keep(0, request, { measurements, schemaVersion: 4 });
  described.seen(0, 4);
  expect(described.find(0, request)).toBe(measurements);
  expect(described.find(0, { ...request, only: undefined })).toBeUndefined();
  described.seen(0, 5);
  expect(described.find(0, request)).toBeUndefined();
});

test('described lanes: a description that was overtaken by a write is not kept as the latest', () => {
  const described = new DescribedLanes();
  described.seen(0, 9);
  described.keep(0, request, { measurements, schemaVersion: 8 });
  expect(described.find(0, request)).toBeUndefined();
});

test('described lanes: versions of one worker say nothing of another; what is cleared is gone', () => {
  const described = new DescribedLanes();
  described.keep(1, request, { measurements, schemaVersion: 2 });
  described.seen(0, 50);
  expect(described.find(1, request)).toBe(measurements);
  described.clear();
  expect(described.find(1, request)).toBeUndefined();
});
