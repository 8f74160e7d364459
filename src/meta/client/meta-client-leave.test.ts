import { expect, test } from 'vitest';
import { wrapped } from '../../../test/sim/world/lax-disk.ts';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import { encodeCatalog } from '../codec/catalog-codec.ts';
import { emptyCatalog } from '../model/catalog.ts';
import { writeIdentity } from './identity-file.ts';
import { executeMethod } from './meta-methods.ts';
import { MetaClient } from './meta-client.ts';

const identity = { nodeId: 4, clusterId: 7n, metaAddresses: ['m1:8089'] };

/** A node of a cluster, whose disk fails the writes of its identity that `isFailing` says. */
async function leaver(isFailing: (write: number) => boolean) {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  await world.complete(writeIdentity(env.disk, 'meta', identity));
  let writes = 0;
  const disk = wrapped(env.disk, {
    replaceFile: async (path, bytes) => {
      await env.disk.replaceFile(path, bytes);
      // What was written may be there all the same.
      if (path === 'meta/identity' && isFailing(writes++)) throw new DbError('io_error', 'bad');
    },
  });
  const client = await world.complete(MetaClient.open({ ...env, disk }, 'meta'));
  return { world, env, client };
}

const settled = (): Promise<void> => Promise.resolve();

test('meta client: a node that is refused to leave, or cannot say on its disk that it does, is of its cluster as before', async () => {
  const { world, env, client } = await leaver((write) => write === 0);
  let erased = 0;
  const erase = (): Promise<void> => {
    erased++;
    return Promise.resolve();
  };
  const refuse = (): Promise<void> => Promise.reject(new DbError('unavailable', 'hints wait'));
  await expect(world.complete(client.leave({ settle: refuse, erase }))).rejects.toThrow('hints wait'); // prettier-ignore
  await expect(world.complete(client.leave({ settle: settled, erase }))).rejects.toThrow('bad');
  expect({ erased, isLeaving: client.isLeaving, nodeId: client.nodeId }).toEqual({ erased: 0, isLeaving: false, nodeId: 4 }); // prettier-ignore
  await world.complete(client.close());
  const again = await world.complete(MetaClient.open(env, 'meta'));
  expect(again.isLeaving).toBe(false);
  await world.complete(again.close());
});

test('meta client: a node that keeps what it has is never one that erases, whenever it is ended', async () => {
  let writes = 0;
  const { world, env, client } = await leaver(() => ++writes > 0);
  await world.complete(client.leave({ settle: settled }));
  expect({ isJoined: client.isJoined, isLeaving: client.isLeaving, writes }).toEqual({ isJoined: false, isLeaving: false, writes: 0 }); // prettier-ignore
  await world.complete(client.close());
  const again = await world.complete(MetaClient.open(env, 'meta'));
  expect(again.isJoined).toBe(false);
  await world.complete(again.close());
});

test('meta client: a new node says what it has before anything else is said through it, and is none where that is refused', async () => {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  let asked = 0;
  const call = (_to: string, method: string): Promise<never> => {
    if (method === executeMethod.path) asked++;
    return Promise.reject(new DbError('unavailable', 'nobody is there'));
  };
  const transport = new Proxy(env.transport, { get: (of, name) => (name === 'call' ? call : (Reflect.get(of, name) as unknown)) }); // prettier-ignore
  const client = await world.complete(MetaClient.open({ ...env, transport }, 'meta'));
  const made: unknown[] = [];
  const introduce = async (): Promise<void> => {
    void client.execute({ kind: 'create-database', name: 'd' }).catch((error: unknown) => made.push(String(error))); // prettier-ignore
    await env.clock.sleep(5_000);
    expect({ asked, nodeId: client.nodeId, made }).toEqual({ asked: 0, nodeId: 4, made: [] });
    throw new DbError('invalid_argument', 'not so');
  };
  await expect(world.complete(client.join(identity, introduce))).rejects.toThrow('not so');
  expect({ asked, isJoined: client.isJoined, isLeaving: client.isLeaving }).toEqual({ asked: 0, isJoined: false, isLeaving: false }); // prettier-ignore
  await world.complete(env.clock.sleep(20_000));
  expect({ asked, made }).toEqual({ asked: 0, made: [expect.stringContaining('meta service unavailable')] }); // prettier-ignore
  await world.complete(client.join(identity));
  expect(client.nodeId).toBe(4);
  await world.complete(client.close());
});

test('meta client: a node that has begun to erase is of its cluster to nobody, and goes on with that after a restart', async () => {
  const { world, env, client } = await leaver(() => false);
  const fail = (): Promise<void> => Promise.reject(new DbError('disk_full', 'no room'));
  await expect(world.complete(client.leave({ settle: settled, erase: fail }))).rejects.toThrow('no room'); // prettier-ignore
  expect(client.isLeaving).toBe(true);
  await expect(world.complete(client.join(identity))).rejects.toThrow('already joined to cluster');
  await world.complete(client.close());
  const cached = encodeCatalog({ ...emptyCatalog, clusterId: identity.clusterId, index: 900 });
  await world.complete(env.disk.replaceFile('meta/catalog', cached));
  const again = await world.complete(MetaClient.open(env, 'meta'));
  expect({ isLeaving: again.isLeaving, index: again.catalog.index }).toEqual({ isLeaving: true, index: 0 }); // prettier-ignore
  await world.complete(again.leave({ settle: settled, erase: settled }));
  expect(again.isJoined).toBe(false);
  await world.complete(again.close());
});

test('meta client: where nobody knows whether the disk says that the node leaves, it does', async () => {
  const { world, client } = await leaver(() => true);
  const leave = () => world.complete(client.leave({ settle: settled, erase: settled }));
  await expect(leave()).rejects.toThrow('bad');
  expect(client.isLeaving).toBe(true);
  await leave();
  expect(client.isJoined).toBe(false);
  await world.complete(client.close());
});
