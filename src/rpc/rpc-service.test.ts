import { expect, test } from 'vitest';
import type { RpcTransport } from '../env/transport.ts';
import { RpcClient } from './rpc-client.ts';
import { createRpcHandlers } from './rpc-service.ts';

const context = { signal: new AbortController().signal };

function connected(senderId: bigint, receiverId: bigint): RpcClient {
  const handlers = createRpcHandlers(() => receiverId, {
    calls: { double: (body) => Promise.resolve((body as bigint) * 2n) },
    streams: {
      async *count(body) {
        for (let i = 0n; i < (body as bigint); i++) yield await Promise.resolve(i);
      },
    },
  });
  const transport = {
    call: (_address: string, method: string, request: Uint8Array) =>
      handlers.call(method, request, context),
    stream: (_address: string, method: string, request: Uint8Array) =>
      handlers.stream(method, request, context),
  } as unknown as RpcTransport;
  return new RpcClient(transport, () => senderId);
}

test('rpc: calls and streams carry plain data', async () => {
  const client = connected(7n, 7n);
  expect(await client.call('a', 'double', 2n ** 62n, { deadlineMs: 1 })).toBe(2n ** 63n);
  const seen = [];
  for await (const one of client.stream('a', 'count', 3n, { deadlineMs: 1 })) seen.push(one);
  expect(seen).toEqual([0n, 1n, 2n]);
});

test('rpc: a request of another cluster is refused, a node without one may ask and be asked', async () => {
  const ask = (client: RpcClient) => client.call('a', 'double', 1n, { deadlineMs: 1 });
  await expect(ask(connected(7n, 8n))).rejects.toMatchObject({ code: 'wrong_cluster' });
  expect(await ask(connected(0n, 8n))).toBe(2n);
  expect(await ask(connected(7n, 0n))).toBe(2n);
});

test('rpc: an unknown method is of a newer release', async () => {
  const call = connected(0n, 0n).call('a', 'toString', 1n, { deadlineMs: 1 });
  await expect(call).rejects.toMatchObject({ code: 'unsupported_version' });
});
