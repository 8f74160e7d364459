import { expect, test } from 'vitest';
import { errorText } from '../../base/errors.ts';
import { parseBucketId, parseBucketName } from './bucket-name.ts';

const told = (parse: () => unknown): unknown => {
  try {
    return parse();
  } catch (error) {
    return errorText(error);
  }
};

/** What 1.12.4 takes a bucket for. */
test.each([
  ['t', { database: 't', retentionPolicy: '' }],
  ['t/', { database: 't', retentionPolicy: '' }],
  ['t/a/b', { database: 't', retentionPolicy: 'a/b' }],
  ['', 'bucket name "" is missing a slash; not in "database/retention-policy" format'],
  ['/x', 'bucket name "/x" is in db/rp form but has an empty database'],
])('bucket name: %s', (name, expected) => {
  expect(told(() => parseBucketName(name))).toEqual(expected);
});

test('bucket id: names a policy', () => {
  expect(told(() => parseBucketId('t/a'))).toEqual({ database: 't', retentionPolicy: 'a' });
  expect(told(() => parseBucketId('t'))).toBe(
    'bucket "t": illegal bucket id, empty retention policy',
  );
});
