import { expect, test } from 'vitest';
import { must } from '../../src/base/assert.ts';
import { errorText } from '../../src/base/errors.ts';
import { below } from '../../src/env/random.ts';
import { MetaClient } from '../../src/meta/client/meta-client.ts';
import { encodeCatalog } from '../../src/meta/codec/catalog-codec.ts';
import { commandSet, type CommandSet } from '../../src/meta/command/command-set.ts';
import {
  executeMethod,
  type CommandRequest,
  type ExecuteReply,
} from '../../src/meta/client/meta-methods.ts';
import type { MetaNode } from '../../src/meta/server/meta-node.ts';
import { varve } from '../../src/proto/gen/wire.js';
import { encodeMessage } from '../../src/rpc/message.ts';
import { RpcClient } from '../../src/rpc/rpc-client.ts';
import { startSimMeta } from './cluster/sim-meta.ts';
import { World } from './world/world.ts';

const names = ['m1', 'm2', 'm3'];

class MetaWorld {
  readonly world: World;
  readonly nodes = new Map<string, MetaNode>();
  /** The catalog at each index, as the first server to get there had it. */
  readonly #seen = new Map<number, string>();

  constructor(seed: number) {
    this.world = new World(seed);
    for (const name of names) this.world.addNode(name);
    this.world.addNode('d1');
  }

  async start(): Promise<MetaClient> {
    await Promise.all(names.map((name) => this.world.complete(this.boot(name))));
    const first = this.nodes.get('m1');
    await this.world.complete(first?.found() ?? Promise.reject(new Error('no first')));
    await this.world.run(this.world.nowMs + 3_000);
    for (const name of ['m2', 'm3'])
      await this.world.complete(
        first?.addMeta(`${name}:8091`, `${name}:8089`) ?? Promise.resolve(0),
      );
    const { env } = this.node('d1');
    const client = await this.world.complete(MetaClient.open(env, 'client'));
    const metaAddresses = names.map((name) => `${name}:8089`);
    const identity = { nodeId: 9, clusterId: first?.clusterId ?? 0n, metaAddresses };
    await this.world.complete(client.join(identity));
    return client;
  }

  async boot(name: string, options: { readonly commandSet?: CommandSet } = {}): Promise<void> {
    this.nodes.set(name, await startSimMeta(this.node(name).env, name, options));
  }

  node(name: string) {
    const node = this.world.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  crash(name: string): void {
    this.node(name).crash();
    this.nodes.delete(name);
  }

  restart(name: string, options: { readonly commandSet?: CommandSet } = {}): Promise<void> {
    this.node(name).restart();
    return this.boot(name, options);
  }

  /** Committed catalog entries are equal everywhere. */
  check(): void {
    for (const [name, { catalog }] of this.nodes) {
      const text = JSON.stringify(catalog, (_key, value: unknown) => typeof value === 'bigint' ? `${value}` : value); // prettier-ignore
      const seen = this.#seen.get(catalog.index) ?? text;
      if (seen !== text) throw new Error(`${name} has another catalog at ${catalog.index}`);
      this.#seen.set(catalog.index, text);
    }
  }
}

test('meta cluster: founded by one, joined by two; databases reach the data node’s cache', async () => {
  const cluster = new MetaWorld(1);
  const client = await cluster.start();
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  expect(client.catalog.databases.map(({ name }) => name)).toEqual(['db']);
  expect(client.catalog.metaNodes.map(({ id }) => id)).toEqual([1, 2, 3]);
  await expect(cluster.world.complete(client.execute({ kind: 'create-database', name: '' }))).rejects.toThrow('database name required'); // prettier-ignore
  await cluster.world.complete(client.close());
});

/** m1 alone has founded a cluster. */
async function startOne(seed: number): Promise<{ cluster: MetaWorld; first: MetaNode }> {
  const cluster = new MetaWorld(seed);
  const { world } = cluster;
  await Promise.all(names.map((name) => world.complete(cluster.boot(name))));
  const first = must(cluster.nodes.get('m1'), 'm1');
  await world.complete(first.found());
  await world.run(world.nowMs + 3_000);
  return { cluster, first };
}

test.each([21, 22, 23, 24])(
  'meta cluster: a node that is added several times at once is a member once, seed %i',
  async (seed) => {
    const { cluster, first } = await startOne(seed);
    const { world } = cluster;
    const add = (name: string) => first.addMeta(`${name}:8091`, `${name}:8089`);
    const ids = await world.complete(Promise.all([add('m2'), add('m3'), add('m2'), add('m2'), add('m3')])); // prettier-ignore
    expect(ids[0]).toBe(ids[2]);
    expect(ids[1]).toBe(ids[4]);
    expect([...first.status.peers].sort()).toEqual(['m1:8089', 'm2:8089', 'm3:8089']);
    for (const name of names) cluster.crash(name);
    for (const name of names) await world.complete(cluster.restart(name));
    await world.run(world.nowMs + 5_000);
    for (const node of cluster.nodes.values()) expect(node.status.peers).toHaveLength(3);
  },
);

test('meta cluster: a node that is added and removed at once is in the catalog and in Raft, or in neither', async () => {
  const { cluster, first } = await startOne(25);
  const { world } = cluster;
  const id = await world.complete(first.addMeta('m2:8091', 'm2:8089'));
  const all = [first.removeMeta(id), first.addMeta('m2:8091', 'm2:8089'), first.removeMeta(id)];
  await world.complete(Promise.allSettled(all));
  await world.run(world.nowMs + 2_000);
  const listed = first.catalog.metaNodes.map(({ tcpAddress }) => tcpAddress);
  expect(first.status.peers).toEqual(listed);
});

test('meta cluster: two nodes that are to join each other at the same moment end in one cluster each, listing no other', async () => {
  const { cluster, first } = await startOne(26);
  const { world } = cluster;
  const second = must(cluster.nodes.get('m2'), 'm2');
  await world.complete(second.found());
  await world.run(world.nowMs + 3_000);
  const added = [first.addMeta('m2:8091', 'm2:8089'), second.addMeta('m1:8091', 'm1:8089')];
  const outcomes = await world.complete(Promise.allSettled(added));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(first.catalog.metaNodes.map(({ id }) => id)).toEqual([1]);
  expect(second.catalog.metaNodes.map(({ id }) => id)).toEqual([1]);
});

test('meta cluster: a node that leaves forgets its cluster, also when it leads, and joins again with a new id', async () => {
  const { cluster, first } = await startOne(29);
  const { world } = cluster;
  await world.complete(first.addMeta('m2:8091', 'm2:8089'));
  await world.complete(first.addMeta('m3:8091', 'm3:8089'));
  await world.complete(first.execute({ kind: 'create-database', name: 'db' }));
  await world.complete(first.leave());
  expect(first.status).toMatchObject({ nodeId: 0, clusterId: 0n, leader: '', peers: [] });
  expect(first.catalog.databases.length).toBe(0);
  cluster.crash('m1');
  await world.complete(cluster.restart('m1'));
  expect(cluster.nodes.get('m1')?.isJoined).toBe(false);
  await world.run(world.nowMs + 3_000);
  const second = must(
    [...cluster.nodes.values()].find((node) => node.isLeader),
    'a leader',
  );
  expect(second.status.peers).toEqual(['m2:8089', 'm3:8089']);
  expect(await world.complete(second.addMeta('m1:8091', 'm1:8089'))).toBe(4);
  expect(cluster.nodes.get('m1')?.catalog.databases.length).toBe(1);
  await expect(world.complete(must(cluster.nodes.get('m2'), 'm2').leave())).resolves.toBeUndefined(); // prettier-ignore
});

test('meta cluster: of two removals at once from a cluster of two one is refused, and the catalog says the same', async () => {
  const { cluster, first } = await startOne(27);
  const { world } = cluster;
  const id = await world.complete(first.addMeta('m2:8091', 'm2:8089'));
  await world.complete(Promise.allSettled([first.removeMeta(id), first.removeMeta(1)]));
  expect(first.catalog.metaNodes.map((node) => node.id)).toEqual([1]);
  expect(first.status.peers).toEqual(['m1:8089']);
});

test('meta cluster: without a majority commands say so, the cache stays, also over a restart', async () => {
  const cluster = new MetaWorld(2);
  const client = await cluster.start();
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  for (const name of names) cluster.crash(name);
  const refused = client.execute({ kind: 'create-database', name: 'no' });
  await expect(cluster.world.complete(refused)).rejects.toThrow('meta service unavailable');
  await cluster.world.complete(client.close());
  const again = await cluster.world.complete(MetaClient.open(cluster.node('d1').env, 'client'));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['db']);
  expect(again.nodeId).toBe(9);
  for (const name of names) await cluster.world.complete(cluster.restart(name));
  await cluster.world.complete(again.execute({ kind: 'create-database', name: 'yes' }));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['db', 'yes']);
  await cluster.world.complete(again.close());
});

test('meta cluster: a copy that went another way is found out by the next change and fetched anew', async () => {
  const cluster = new MetaWorld(28);
  const { world } = cluster;
  const client = await cluster.start();
  for (const name of ['a', 'b']) await world.complete(client.execute({ kind: 'create-database', name })); // prettier-ignore
  await world.complete(client.close());
  const { env } = cluster.node('d1');
  const other = { ...client.catalog, databases: client.catalog.databases.without('a') };
  await world.complete(env.disk.replaceFile('client/catalog', encodeCatalog(other)));
  await world.complete(env.disk.remove('client/catalog.changes'));
  const again = await world.complete(MetaClient.open(env, 'client'));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['b']);
  await world.complete(again.execute({ kind: 'create-database', name: 'c' }));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  await world.complete(again.close());
});

type RequestAsBefore = Omit<CommandRequest, 'heardIndex'>;

/** As a node of a release sends that has no table of commands: whatever it has, in a block of ours. */
const executeAsBefore = {
  ...executeMethod,
  request: {
    ...executeMethod.request,
    encode: ({ id, command }: RequestAsBefore) =>
      varve.meta.v1.ExecuteRequest.encode({ id, command: encodeMessage(command) }).finish(),
  },
};

/** Three metas, and d1's way to talk to them directly. */
async function startThree(seed: number): Promise<{
  cluster: MetaWorld;
  client: MetaClient;
  leader: () => MetaNode;
  execute: (logged: RequestAsBefore) => Promise<ExecuteReply>;
}> {
  // prettier-ignore
  const cluster = new MetaWorld(seed);
  const client = await cluster.start();
  const { transport } = cluster.node('d1').env;
  const rpc = new RpcClient(transport, client.membership);
  const leader = (): MetaNode => must([...cluster.nodes.values()].find((node) => node.isLeader), 'a leader'); // prettier-ignore
  const execute = async (logged: RequestAsBefore): Promise<ExecuteReply> => {
    const { tcpAddress } = must(leader().catalog.metaNodes.find(({ id }) => id === leader().status.nodeId), 'its address'); // prettier-ignore
    const reply = rpc.call(tcpAddress, executeAsBefore, logged, { deadlineMs: 6_000 });
    return await cluster.world.complete(reply);
  };
  return { cluster, client, leader, execute };
}

test('meta cluster: a command sent again applies once, also after snapshots and a restart of all', async () => {
  const { cluster, client, execute } = await startThree(3);
  const once = { id: 'once', command: { kind: 'create-database', name: 'db' } };
  const first = await execute(once);
  expect(first).toMatchObject({ answer: { ok: true } });
  await cluster.world.complete(client.execute({ kind: 'drop-database', name: 'db' }));
  for (let i = 0; i < 70; i++)
    await cluster.world.complete(client.execute({ kind: 'create-database', name: `db${i}` }));
  for (const name of names) cluster.crash(name);
  for (const name of names) await cluster.world.complete(cluster.restart(name));
  await cluster.world.run(cluster.world.nowMs + 5_000);
  expect(await execute(once)).toMatchObject({ answer: { ok: true } });
  await cluster.world.run(cluster.world.nowMs + 2_000);
  for (const { catalog } of cluster.nodes.values())
    expect(catalog.databases.map(({ name }) => name)).not.toContain('db');
  await cluster.world.complete(client.close());
});

test('meta cluster: what no meta node could read does not get into the log', async () => {
  const { cluster, client, execute } = await startThree(4);
  const answers = [
    await execute({ id: 'new', command: { kind: 'create-galaxy' } }),
    await execute({ id: 'odd', command: { kind: 'create-database', name: 7 } }),
    await execute({ id: '', command: { kind: 'create-database', name: 'x' } }),
  ];
  expect(answers).toMatchObject([
    { answer: { code: 'unsupported_version', text: 'catalog command create-galaxy is not known here: it is of a newer release' } }, // prettier-ignore
    { answer: { code: 'invalid_argument' } },
    { answer: { code: 'invalid_argument' } },
  ]);
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  await cluster.world.complete(client.close());
});

test('meta cluster: a new kind of command waits until every meta node is of a release that knows it', async () => {
  const { cluster, client, leader } = await startThree(9);
  const { world } = cluster;
  const newer = commandSet.version + 1;
  const upgraded = { commandSet: { version: newer, since: { ...commandSet.since, 'acquire-lease': newer } } }; // prettier-ignore
  const acquire = () => world.complete(client.execute({ kind: 'acquire-lease', name: 'cq', nodeId: 4, nowNs: 0n, durationNs: 60n })); // prettier-ignore
  const upgrade = async (name: string): Promise<void> => {
    if (cluster.nodes.get(name) === leader()) await world.complete(leader().stepAside());
    cluster.crash(name);
    await world.complete(cluster.restart(name, upgraded));
    await world.run(world.nowMs + 3_000);
  };
  await upgrade('m1');
  await upgrade('m2');
  const upgradedLeader = cluster.nodes.get('m1');
  if (leader() !== upgradedLeader) {
    await world.complete(leader().transferLeadership(upgradedLeader?.status.nodeId ?? 0));
    await world.run(world.nowMs + 1_000);
  }
  await expect(acquire()).rejects.toThrow('catalog command acquire-lease has to wait until every meta node knows it: upgrade m3:8089'); // prettier-ignore
  await world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  await upgrade('m3');
  expect(await acquire()).toMatchObject({ lease: { token: 1 } });
  await world.complete(client.close());
});

test('meta cluster: a meta node that is gone for good holds up no command, also after another leads', async () => {
  const { cluster, client, leader } = await startThree(11);
  const { world } = cluster;
  const makeUser = (name: string) => world.complete(client.execute({ kind: 'create-user', name, hash: 'h', isAdmin: false })); // prettier-ignore
  const nameOf = (node: MetaNode) => must([...cluster.nodes].find(([, one]) => one === node), 'its name')[0]; // prettier-ignore
  await makeUser('a');
  const gone = must(
    names.find((name) => cluster.nodes.get(name) !== leader()),
    'a follower',
  );
  cluster.crash(gone);
  // Whoever leads now has never heard of it.
  const old = nameOf(leader());
  cluster.crash(old);
  await world.complete(cluster.restart(old));
  await world.run(world.nowMs + 3_000);
  const startMs = world.nowMs;
  await makeUser('b');
  expect(world.nowMs - startMs).toBeLessThan(4_000);
  expect(leader().catalog.users?.map(({ name }) => name)).toEqual(['a', 'b']);
  await world.complete(client.close());
});

test('meta cluster: a leader that stops hands over first, and commands go on at once', async () => {
  const { cluster, client, leader } = await startThree(5);
  const old = leader();
  await cluster.world.complete(old.stepAside());
  expect(old.isLeader).toBe(false);
  await cluster.world.run(cluster.world.nowMs + 200);
  expect(leader().status.nodeId).not.toBe(old.status.nodeId);
  // Far less than the least time that an election takes when the leader is simply gone.
  const startMs = cluster.world.nowMs;
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  expect(cluster.world.nowMs - startMs).toBeLessThan(900);
  await cluster.world.complete(old.close());
  await cluster.world.complete(client.close());
});

test('meta cluster: a data node knows that it is up to date also while nothing was changed since another leads', async () => {
  const { cluster, client, leader } = await startThree(7);
  const { world } = cluster;
  await world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  await world.complete(leader().stepAside());
  await world.run(world.nowMs + 200);
  const startMs = world.nowMs;
  await world.complete(client.settle());
  expect(world.nowMs - startMs).toBeLessThan(1_000);
  await world.complete(client.close());
});

test.each(names)(
  'meta cluster: a data node knows that it is up to date though meta node %s does not answer',
  async (silent) => {
    const { cluster, client } = await startThree(8);
    const { world } = cluster;
    world.network.partition(names.filter((name) => name !== silent).concat('d1'), [silent]);
    await world.run(world.nowMs + 4_000);
    for (let i = 0; i < 3; i++) await world.complete(client.settle());
    world.network.heal();
    await world.complete(client.close());
  },
);

test('meta cluster: a lease survives its leader; the next holder has a token of its own', async () => {
  const { cluster, client, leader } = await startThree(6);
  const { world } = cluster;
  const acquire = (nodeId: number, nowNs: bigint) =>
    world.complete(
      client.execute({ kind: 'acquire-lease', name: 'cq', nodeId, nowNs, durationNs: 60n }),
    );
  expect(await acquire(4, 0n)).toMatchObject({ lease: { token: 1 } });
  const name = must([...cluster.nodes].find(([, node]) => node === leader())?.[0], 'a leader');
  cluster.crash(name);
  await expect(acquire(5, 59n)).rejects.toThrow('another node has the lease');
  expect(await acquire(4, 59n)).toMatchObject({ lease: { token: 1, expiresNs: 119n } });
  expect(await acquire(5, 119n)).toMatchObject({ lease: { token: 2, nodeId: 5 } });
  await world.complete(client.close());
});

test('meta cluster: a newcomer has the log when it gets its vote, though most of it is a snapshot', async () => {
  const cluster = new MetaWorld(7);
  const { world } = cluster;
  await Promise.all(names.map((name) => world.complete(cluster.boot(name))));
  const first = must(cluster.nodes.get('m1'), 'm1');
  await world.complete(first.found());
  await world.run(world.nowMs + 3_000);
  for (let i = 0; i < 90; i++) await world.complete(first.execute({ kind: 'create-database', name: `db${i}` })); // prettier-ignore
  await world.complete(first.addMeta('m2:8091', 'm2:8089'));
  expect(cluster.nodes.get('m2')?.catalog.databases).toHaveLength(90);
  expect(first.status.peers).toEqual(['m1:8089', 'm2:8089']);
});

test('meta cluster: a removal that was cut short is finished when it is asked for again', async () => {
  const { cluster, client, leader } = await startThree(8);
  const { world } = cluster;
  const node = leader();
  const [gone] = [1, 2, 3].filter((id) => id !== node.status.nodeId);
  await world.complete(node.execute({ kind: 'delete-meta-node', nodeId: gone ?? 0 }));
  expect(node.status.peers).toHaveLength(3);
  await world.complete(node.removeMeta(gone ?? 0));
  expect(node.status.peers).toHaveLength(2);
  await expect(world.complete(node.removeMeta(gone ?? 0))).rejects.toThrow('node not found');
  await world.complete(client.close());
});

test.each([11, 12, 13, 14])(
  'meta cluster: crashes under load lose no acknowledged command, seed %i',
  async (seed) => {
    const cluster = new MetaWorld(seed);
    const { world } = cluster;
    const client = await cluster.start();
    const random = world.random('faults');
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const work = (async () => {
      for (let i = 0; i < 60; i++) {
        const name = `db${i}`;
        try {
          await client.execute({ kind: 'create-database', name });
          acknowledged.push(name);
        } catch (error) {
          refused.push(errorText(error));
        }
        await cluster.node('d1').env.clock.sleep(200);
      }
    })();
    for (let round = 0; round < 12; round++) {
      await world.run(world.nowMs + 1_500);
      cluster.check();
      const name = names[below(random, 3)] ?? 'm1';
      if (cluster.nodes.has(name)) cluster.crash(name);
      await world.run(world.nowMs + below(random, 2_000));
      for (const down of names) if (!cluster.nodes.has(down)) await world.complete(cluster.restart(down)); // prettier-ignore
    }
    await world.complete(work, 600_000);
    await world.run(world.nowMs + 5_000);
    cluster.check();
    for (const { catalog } of cluster.nodes.values()) {
      const databases = catalog.databases.map(({ name }) => name);
      expect(acknowledged.filter((name) => !databases.includes(name))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(40);
    await world.complete(client.close());
  },
);
