import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { KnownDescriptions } from './known-descriptions.ts';
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
  let lists = 'lists';
  const pledges = { nodeId: 1, now: () => ({ monotonicMs: 0, wallNs: 0n }), lists: () => lists };
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
  // Nor where the node has got series since.
  lists = 'others';
  expect(await ask(0, { minNs: 9n }, unlimited)).toBe(4);
});

/** Another node that answers each call with these messages. */
function nodeSaying(...replies: (readonly object[] | Error)[]) {
  const rpc = {
    async *stream() {
      const said = await Promise.resolve(replies.length > 1 ? replies.shift() : replies[0]);
      if (said instanceof Error) throw said;
      yield* said ?? [];
    },
  } as unknown as RpcClient;
  const known = new KnownDescriptions();
  const memory = { known, empties: new KnownEmpties() } as never;
  return { known, shards: new RemoteShards(rpc, { id: 2, tcpAddress: 'n2:8088' }, memory) };
}

const options = { deadlineMs: 1_000 };

test('remote shards: a description that comes in parts is one, with measurements that were cut put together', async () => {
  const measurement = (name: string, field: string, ...tagKeys: readonly string[]) => ({ name, fields: [[field, 'float']], tagKeys }); // prettier-ignore
  const { shards } = nodeSaying([
    { measurements: [measurement('a', 'x', 't'), measurement('b', 'x', 't')], lanes: [[1]], stampNs: 5n, mark: 'm' }, // prettier-ignore
    { measurements: [measurement('b', 'y'), measurement('c', 'x')], lanes: [[2], [3]] },
    { measurements: [measurement('d', 'x')], lanes: [], stampNs: 9n, mark: 'n' },
  ]);
  const description = await shards.describe([1, 2, 3], options);
  expect(description).toEqual({
    measurements: [measurement('a', 'x', 't'), { name: 'b', fields: [['x', 'float'], ['y', 'float']], tagKeys: ['t'] }, measurement('c', 'x'), measurement('d', 'x')], // prettier-ignore
    lanes: [[1], [2], [3]],
    stampNs: 5n,
    mark: 'm',
  });
  expect(shards.described([1, 2, 3], undefined)).toBe(description);
});

test.each(['list', 'fragment'] as const)(
  'remote shards: what was described is forgotten once the node says that it has changed since: %s',
  async (kind) => {
    const changed = new DbError('schema_changed', 'other schemas');
    const away = new DbError('unavailable', 'away');
    const { shards } = nodeSaying([{ measurements: [], lanes: [[1]], mark: 'm' }], away, changed);
    await shards.describe([1], options);
    const read = async () => {
      for await (const _ of shards[kind]({} as never, options)) throw new Error('it says nothing');
    };
    await expect(read()).rejects.toBe(away);
    expect(shards.described([1], undefined)).toBeDefined();
    await expect(read()).rejects.toBe(changed);
    expect(shards.described([1], undefined)).toBeUndefined();
  },
);

test('remote shards: what comes is handed on up to the message that says that it is the last', async () => {
  const said = [{ pieces: [1], blocks: [1] }, { pieces: [2], blocks: [2], isLast: true }, { pieces: [3], blocks: [3] }]; // prettier-ignore
  const { shards } = nodeSaying(said);
  const all = async (stream: AsyncIterable<unknown>): Promise<unknown> => {
    const parts: unknown[] = [];
    for await (const part of stream) parts.push(part);
    return parts;
  };
  expect(await all(shards.list({} as never, options))).toEqual([[1], [2]]);
  expect(await all(shards.fragment({} as never, options))).toEqual([[1], [2]]);
  expect(await all(shards.blocksFor({} as never, options))).toEqual(said);
});
