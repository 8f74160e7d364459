import { expect, test } from 'vitest';
import { callInBurst } from '../../../test/support/call-burst.ts';

// Past some 2,000 cancelled calls within two seconds a session has been seen to end; why is not found yet.
test('grpc transport: 12,000 calls as fast as they go, 1,500 of them cancelled, never break the session', async () => {
  const codes = await callInBurst({ count: 12_000, atOnceCount: 500 });
  expect(codes).toEqual({ ok: 7_500, partial_write: 3_000, cancelled: 1_500 });
});
