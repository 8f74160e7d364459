import { expect, test } from 'vitest';
import { callInBurst } from '../../../test/support/call-burst.ts';

test('grpc transport: 24,000 calls as fast as they go, 3,000 of them cancelled, never break the session', async () => {
  const codes = await callInBurst({ count: 24_000, atOnceCount: 500 });
  expect(codes).toEqual({ ok: 15_000, partial_write: 6_000, cancelled: 3_000 });
});
