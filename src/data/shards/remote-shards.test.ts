import { expect, test } from 'vitest';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { KnownEmpties } from './known-empties.ts';
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

test('remote shards: a share without groups stands for no other time where windows are limited', async () => {
  let askedCount = 0;
  const rpc = {
    async *stream() {
      askedCount++;
      const share = { head: new Uint8Array(1), spans: new Uint32Array() };
      yield await Promise.resolve({ bytes: new Uint8Array(), closing: '', isLast: true, share, empty: { at: 'lists' } }); // prettier-ignore
    },
  } as unknown as RpcClient;
  const pledges = { nodeId: 1, now: () => ({ monotonicMs: 0, wallNs: 0n }), lists: () => 'lists' };
  const memory = { empties: new KnownEmpties(), pledges } as never;
  const shards = new RemoteShards(rpc, { id: 2, tcpAddress: 'n2:8088' }, memory);
  const ask = async (bucketsMax: number, ownTimes: object | undefined, kept: object) => {
    const asked = { isShare: true, bucketsMax, ownTimes } as never;
    for await (const _ of shards.answerFor(asked, { deadlineMs: 1_000, kept }));
    return askedCount;
  };
  const [limited, unlimited] = [{}, {}];
  expect(await ask(5, undefined, limited)).toBe(1);
  expect(await ask(5, undefined, limited)).toBe(1);
  expect(await ask(5, { minNs: 0n }, limited)).toBe(2);
  expect(await ask(0, { minNs: 0n }, unlimited)).toBe(3);
  expect(await ask(0, { minNs: 9n }, unlimited)).toBe(3);
});
