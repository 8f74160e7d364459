import { expect, test } from 'vitest';
import { diskError } from './errno.ts';

test('errno: without descriptors nothing is known to be wrong with a file', () => {
  const codes = ['EMFILE', 'ENFILE', 'EIO', 'ENOSPC', 'ENOENT', 'EWHATEVER'].map(
    (code) => diskError('open', 'x', Object.assign(new Error(code), { code })).code,
  );
  expect(codes).toEqual(['unavailable', 'unavailable', 'io_error', 'disk_full', 'not_found', 'io_error']); // prettier-ignore
});
