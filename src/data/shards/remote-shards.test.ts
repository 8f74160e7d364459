import { expect, test } from 'vitest';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { RemoteShards } from './remote-shards.ts';

/** How long a node may be silent while it is asked for blocks, and while it is asked for lists. */
async function limitsWith(readerTimeoutMs: number | undefined): Promise<readonly number[]> {
  const limits: number[] = [];
  const rpc = {
    async *stream(
      _address: string,
      _method: unknown,
      _request: unknown,
      { deadlineMs }: { readonly deadlineMs: number },
    ) {
      limits.push(await Promise.resolve(deadlineMs));
    },
  } as unknown as RpcClient;
  const node = { id: 2, tcpAddress: 'n2:8088' };
  const shards = new RemoteShards(rpc, node, { readerTimeoutMs } as never);
  const options = { deadlineMs: 60_000 };
  const streams = [
    shards.fragment({} as never, options),
    shards.blocksFor({} as never, options),
    shards.list({} as never, options),
  ];
  for (const stream of streams) for await (const _ of stream) throw new Error('it says nothing');
  return limits;
}

test('shard-reader-timeout: shards of another node are read with that limit of silence, where it is the lower', async () => {
  expect(await limitsWith(5_000)).toEqual([5_000, 5_000, 60_000]);
  expect(await limitsWith(90_000)).toEqual([60_000, 60_000, 60_000]);
  expect(await limitsWith(undefined)).toEqual([60_000, 60_000, 60_000]);
});
