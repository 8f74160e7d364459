import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { World, type SimNode } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import { Latch } from '../../base/async/latch.ts';
import { DbError, errorText } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { RpcOptions } from '../../env/transport.ts';
import { isMessageBlock } from '../../rpc/message.ts';
import { encodeCatalog } from '../codec/catalog-codec.ts';
import { emptyCatalog } from '../model/catalog.ts';
import { writeIdentity } from './identity-file.ts';
import { MetaClient } from './meta-client.ts';

/** What a release that knew no other form has written. */
const recordedBefore = new Uint8Array(
  Buffer.from(
    readFileSync(new URL('testdata/identity-json-form.txt', import.meta.url), 'utf8'),
    'base64',
  ),
);
async function aborted(signal: AbortSignal | undefined): Promise<never> {
  await new Promise((resolve) => signal?.addEventListener('abort', resolve));
  throw new DbError('cancelled', 'the call was cancelled');
}

const identity = { nodeId: 4, clusterId: 18364758544493064720n, metaAddresses: ['m1:8089', 'm2:8089'] }; // prettier-ignore

/** A node whose folder holds the identity, and the bytes that it makes of it. */
async function kept(): Promise<{ world: World; env: SimNode['env']; bytes: Uint8Array }> {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  await world.complete(writeIdentity(env.disk, 'meta', identity));
  const bytes = await world.complete(env.disk.readFile('meta/identity'));
  return { world, env, bytes };
}

test('meta client: an identity that a release before has written is the same, and written anew', async () => {
  const { world, env, bytes } = await kept();
  await world.complete(env.disk.replaceFile('meta/identity', recordedBefore));
  for (let time = 0; time < 2; time++) {
    const client = await world.complete(MetaClient.open(env, 'meta'));
    expect([client.nodeId, client.clusterId]).toEqual([4, identity.clusterId]);
    await world.complete(client.close());
    const now = await world.complete(env.disk.readFile('meta/identity'));
    expect(isMessageBlock(now)).toBe(false);
    expect(now).toEqual(bytes);
  }
});

test('meta client: an identity with any bit turned stops the node', async () => {
  const { world, env, bytes } = await kept();
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
    await world.complete(env.disk.replaceFile('meta/identity', damaged));
    await expect(world.complete(MetaClient.open(env, 'meta'))).rejects.toThrow(/^meta\/identity: /);
  }
});

test.each([
  ['empty', new Uint8Array()],
  ['of zeros', new Uint8Array(64)],
  ['of before and cut short', recordedBefore.subarray(0, 20)],
])(
  'meta client: an identity that is %s stops the node with the name of its file',
  async (_what, bytes) => {
    const world = new World(1);
    world.addNode('d1');
    const { env } = must(world.nodes[0], 'd1');
    await world.complete(env.disk.makeDir('meta'));
    await world.complete(env.disk.replaceFile('meta/identity', bytes));
    await expect(world.complete(MetaClient.open(env, 'meta'))).rejects.toThrow(/^meta\/identity: message: .*: put back a copy, or remove it/); // prettier-ignore
  },
);

test('meta client: who is refused by the metas is told so in the log, once a minute', async () => {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  await world.complete(writeIdentity(env.disk, 'meta', identity));
  const told: unknown[] = [];
  const log = { ...env.log, debug: () => undefined, error: () => undefined, warn: (text: string, fields: unknown) => told.push([text, fields]) }; // prettier-ignore
  const refused = new DbError('unauthenticated', 'internal token: it has expired');
  const transport = { ...env.transport, call: () => Promise.reject(refused) };
  const client = await world.complete(MetaClient.open({ ...env, log, transport }, 'meta')); // prettier-ignore
  for (let time = 0; time < 2; time++) {
    const executed = client.execute({ kind: 'drop-database', name: 'd' });
    await expect(world.complete(executed)).rejects.toThrow('meta service unavailable');
  }
  const fields = { address: 'm1:8089', error: 'internal token: it has expired' };
  expect(told).toEqual([['A meta node refuses this node: their clocks differ, or their shared secrets', fields]]); // prettier-ignore
  await world.complete(client.close());
});

test.each([
  ['none', undefined],
  ['another', 5n],
])(
  'meta client: the catalog of a cluster that the node has left is none of %s',
  async (_of, clusterId) => {
    const world = new World(1);
    const { env } = world.addNode('d1');
    await world.complete(env.disk.makeDir('meta'));
    // What a power cut leaves behind the identity that was removed.
    const left = encodeCatalog({ ...emptyCatalog, clusterId: 7n, index: 900 });
    await world.complete(env.disk.replaceFile('meta/catalog', left));
    if (clusterId !== undefined) await world.complete(writeIdentity(env.disk, 'meta', { ...identity, clusterId })); // prettier-ignore
    const client = await world.complete(MetaClient.open(env, 'meta'));
    expect(client.catalog.index).toBe(0);
    await world.complete(client.close());
  },
);

test.each([
  ['does not answer', (clock: Clock) => clock.sleep(3_600_000)],
  ['knows no leader', (clock: Clock) => clock.sleep(10)],
])(
  'meta client: as the node stops nobody waits long for a meta node that %s',
  async (_what, answer) => {
    const world = new World(1);
    const { env } = world.addNode('d1');
    await world.complete(env.disk.makeDir('meta'));
    await world.complete(writeIdentity(env.disk, 'meta', identity));
    const transport = {
      ...env.transport,
      call: async (
        _address: string,
        _path: string,
        _body: unknown,
        { signal, deadlineMs }: RpcOptions,
      ) => {
        await Promise.race([answer(env.clock), env.clock.sleep(deadlineMs), aborted(signal)]);
        throw new DbError('unavailable', 'nobody leads');
      },
    };
    const client = await world.complete(MetaClient.open({ ...env, transport }, 'meta'));
    const refused = async (): Promise<number> => {
      const sinceMs = world.nowMs;
      await expect(client.execute({ kind: 'drop-database', name: 'd' })).rejects.toBeDefined();
      return world.nowMs - sinceMs;
    };
    const first = refused();
    await world.run(world.nowMs + 500);
    client.hasten();
    expect(await world.complete(first)).toBeLessThan(3_000);
    expect(await world.complete(refused())).toBeLessThan(3_000);
    await world.complete(client.close());
  },
);

test('meta client: what was asked of one cluster is not asked of the next one', async () => {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  await world.complete(writeIdentity(env.disk, 'meta', identity));
  const asked: string[] = [];
  const answer = new Latch<never>();
  const call = (address: string): Promise<never> => {
    asked.push(address);
    return answer.promise;
  };
  const transport = { ...env.transport, call };
  const client = await world.complete(MetaClient.open({ ...env, transport }, 'meta'));
  const executed = client.execute({ kind: 'drop-database', name: 'd' }).catch(errorText);
  await world.complete(
    client.leave({ settle: () => Promise.resolve(), erase: () => Promise.resolve() }),
  );
  await world.complete(client.join({ nodeId: 1, clusterId: 5n, metaAddresses: ['x1:8089'] }));
  answer.fail(new DbError('unavailable', 'm1 is away'));
  expect(await world.complete(executed)).toBe('meta service unavailable');
  expect(asked).toEqual(['m1:8089']);
  await world.complete(client.close());
});
