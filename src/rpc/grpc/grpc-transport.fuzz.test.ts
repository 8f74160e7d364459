import { expect, test } from 'vitest';
import { callInBurst } from '../../../test/support/call-burst.ts';

test('grpc transport: 32,000 calls as fast as they go, 4,000 of them cancelled, never break a call', async () => {
  const codes = await callInBurst({ count: 32_000, atOnceCount: 2_500 });
  expect(codes).toEqual({ ok: 20_000, partial_write: 8_000, cancelled: 4_000 });
});
