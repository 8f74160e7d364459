import { expect, test } from 'vitest';
import { MemoryKv } from '../../../test/support/memory-kv.ts';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import { Latch } from '../../base/async/latch.ts';
import { DbError, errorText } from '../../base/errors.ts';
import { dayNs, hourNs, secondNs } from '../../base/units.ts';
import type { RpcTransport } from '../../env/transport.ts';
import type { Message, MessageBody } from '../../raft/types.ts';
import { encodeMessage } from '../../rpc/message.ts';
import type { CallMethod } from '../../rpc/method.ts';
import type { Command } from '../command/command.ts';
import { joinMetaMethod, removeMetaMethod, watchMethod } from '../client/meta-methods.ts';
import { encodeRecord, type RecordKind, type RecordOf } from './raft-records.ts';
import { MetaNode, type MetaNodeOptions } from './meta-node.ts';
import { deliverMethod, listenMethod } from './raft-methods.ts';

const options: MetaNodeOptions = {
  httpAddress: 'm1:8091',
  tcpAddress: 'm1:8089',
  tickMs: 100,
  electionTicks: 10,
  heartbeatTicks: 1,
  snapshotEntries: 20,
};

/** Asks as another node does, transport and credentials aside. */
async function ask<Request, Reply>(
  node: MetaNode,
  method: CallMethod<Request, Reply>,
  request: Request,
): Promise<Reply> {
  // prettier-ignore
  const served = must(node.methods.find(({ path }) => path === method.path), method.path);
  if (served.kind !== 'call') throw new Error('it is a stream');
  const context = { signal: new AbortController().signal };
  return method.reply.decode(await served.answer(method.request.encode(request), context));
}

/** One meta node whose store and messages the test sees. */
class OneMeta {
  readonly world = new World(1);
  readonly kv = new MemoryKv();
  readonly sent: Message[] = [];
  readonly fatal: string[] = [];

  constructor() {
    this.world.addNode('m1');
  }

  /** What other nodes make of a message. */
  onSent: (message: Message) => void = () => undefined;
  /** What they say to one that wants to be taken out. */
  onRemove: (address: string) => DbError = () => new DbError('not_leader', 'another node leads');

  open(part: Partial<MetaNodeOptions> = {}): Promise<MetaNode> {
    const { env } = must(this.world.nodes[0], 'm1');
    const transport: RpcTransport = {
      ...env.transport,
      call: (address, method, request) => {
        if (method === removeMetaMethod.path) return Promise.reject(this.onRemove(address));
        const isRaft = method === deliverMethod.path;
        const messages = isRaft ? deliverMethod.request.decode(request).messages : [];
        this.sent.push(...messages);
        for (const message of messages) this.onSent(message);
        return Promise.resolve(deliverMethod.reply.encode({}));
      },
    };
    const { clock, random, log } = env;
    const onFatal = (error: unknown): void => {
      this.fatal.push(errorText(error));
    };
    return MetaNode.open({ clock, random, log, kv: this.kv, transport, onFatal }, { ...options, ...part }); // prettier-ignore
  }

  run(durationMs: number): Promise<void> {
    return this.world.run(this.world.nowMs + durationMs);
  }

  /** The durable state of server 1 of `voterCount`, with these commands in its log, all committed. */
  put(voterCount: number, commands: readonly unknown[], timesEach = 1): void {
    const members = Array.from({ length: voterCount }, (_, i) => ({ id: i + 1, address: `m${i + 1}:8089` })); // prettier-ignore
    const voters = Array.from({ length: timesEach }, () => members).flat();
    const membership = { voters, learners: [] };
    const put = <Kind extends RecordKind>(kind: Kind, value: RecordOf<Kind>, key: string = kind) =>
      this.kv.values.set(key, encodeRecord(kind, value));
    put('identity', { nodeId: 1, clusterId: 7n });
    put('hard-state', { term: 1, vote: 0, commit: 1 + commands.length });
    put('snapshot', { index: 1, term: 1, membership, data: new Uint8Array() });
    for (const [i, command] of commands.entries()) {
      const data = encodeMessage({ id: `${i}`, command });
      const key = `entry/${String(i + 2).padStart(16, '0')}`;
      put('entry', { kind: 'command', index: i + 2, term: 1, data }, key);
    }
  }
}

test('meta node: a command of a newer release in the log stops it with a clear text', async () => {
  const one = new OneMeta();
  one.put(1, [
    { kind: 'create-database', name: 'db' },
    { kind: 'create-galaxy', arms: 4 },
  ]);
  const node = await one.open();
  await one.run(1_000);
  expect(one.fatal).toEqual(['catalog command create-galaxy is not known here: it is of a newer release']); // prettier-ignore
  await expect(node.execute({ kind: 'create-database', name: 'x' })).rejects.toThrow('this meta node has stopped'); // prettier-ignore
});

test('meta node: one whose members an earlier release has doubled starts, counts each once and says so', async () => {
  const one = new OneMeta();
  one.put(2, [], 3);
  const node = await one.open();
  expect(node.status.peers).toEqual(['m1:8089', 'm2:8089']);
  await node.close();
});

/** A database that keeps points for a day, with a group of an hour for each age. */
function groupsOf(agesNs: readonly bigint[]) {
  // World time begins with 2026.
  const nowNs = 1_767_225_600n * secondNs;
  const place = { database: 'db', retentionPolicy: 'autogen' };
  const make: Command[] = [
    { kind: 'create-data-node', httpAddress: 'd:8086', tcpAddress: 'd:8088', dataNodesMax: 1 },
    { kind: 'create-database', name: 'db', policy: { durationNs: dayNs, shardDurationNs: hourNs } },
    { kind: 'create-shard-groups', ...place, timesNs: agesNs.map((ageNs) => nowNs - ageNs) },
  ];
  return { nowNs, place, make };
}

test('meta node: a group that a data node of a wrong clock has deleted stays, one that has expired goes', async () => {
  const one = new OneMeta();
  const { nowNs, place, make } = groupsOf([3n * dayNs, hourNs]);
  one.put(1, make);
  const node = await one.open();
  await one.run(2_000);
  const remove = (groupId: number) =>
    node.execute({ kind: 'delete-shard-group', ...place, groupId, nowNs: nowNs + 9n * dayNs });
  const kept = remove(2).catch(errorText);
  const gone = remove(1);
  await one.run(1_000);
  expect(await kept).toContain('its points are still to be kept');
  await gone;
  const groups = node.catalog.databases.get('db')?.retentionPolicies[0]?.shardGroups ?? [];
  expect(groups.map(({ id, deletedAtNs }) => [id, deletedAtNs !== undefined])).toEqual([[1, true], [2, false]]); // prettier-ignore
  await node.close();
});

test('meta node: one that leaves and finds no leader says so before who asked has gone', async () => {
  const one = new OneMeta();
  one.put(3, []);
  const node = await one.open();
  const left = node.leave().catch(errorText);
  let told: unknown;
  void left.then((text) => (told = text));
  await one.run(9_000);
  expect(told).toBe('no leader');
  await node.close();
});

test('meta node: one that was taken out, and did not hear of it, is a new one when it is to leave', async () => {
  const one = new OneMeta();
  one.put(3, []);
  const asked: string[] = [];
  one.onRemove = (address) => {
    asked.push(address);
    if (asked.length === 1) return new DbError('timeout', 'no answer');
    return new DbError(address === 'm2:8089' ? 'not_leader' : 'node_not_found', 'no such node');
  };
  const node = await one.open();
  const left = node.leave().catch(errorText);
  await one.run(9_000);
  expect(await left).toBeUndefined();
  expect([asked, node.isJoined]).toEqual([['m2:8089', 'm3:8089'], false]);
  await node.close();
});

test('meta node: a copy whose source was taken out makes no owner', async () => {
  const one = new OneMeta();
  const { make } = groupsOf([hourNs]);
  const create = (i: number) => ({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }) as const; // prettier-ignore
  const begin: Command = { kind: 'begin-shard-copy', shardId: 1, sourceId: 1, destinationId: 2, startedNs: 1n }; // prettier-ignore
  one.put(1, [...make, create(2), begin]);
  const node = await one.open();
  await one.run(2_000);
  const beganIndex = node.catalog.copies?.[0]?.beganIndex ?? 0;
  const taken = node.execute({ kind: 'delete-data-node', nodeId: 1 });
  const finished = node.execute({ kind: 'finish-shard-copy', shardId: 1, destinationId: 2, beganIndex }).catch(errorText); // prettier-ignore
  await one.run(1_000);
  await taken;
  expect(await finished).toBe('node 1, which shard 1 is copied from, has left');
  expect(node.catalog.databases.shard(1)?.shard.owners).toEqual([]);
  await node.close();
});

test('meta node: no group is deleted behind a change of its policy that is in the log', async () => {
  const one = new OneMeta();
  const { nowNs, place, make } = groupsOf([3n * dayNs, 2n * dayNs]);
  const other: Command = { kind: 'create-retention-policy', database: 'db', policy: { name: 'other', durationNs: dayNs }, isDefault: false }; // prettier-ignore
  one.put(1, [...make, other]);
  const node = await one.open();
  await one.run(2_000);
  const alter = (name: string) =>
    node.execute({ kind: 'alter-retention-policy', database: 'db', name, policy: { durationNs: 0n }, isDefault: false }); // prettier-ignore
  const remove = (groupId: number) =>
    node.execute({ kind: 'delete-shard-group', ...place, groupId, nowNs });
  const beside = [alter('other'), remove(1)];
  await one.run(1_000);
  await Promise.all(beside);
  const altered = alter('autogen');
  const kept = remove(2).catch(errorText);
  await one.run(1_000);
  await altered;
  expect(await kept).toContain('its policy is just being changed');
  const groups = node.catalog.databases.get('db')?.retentionPolicies[0]?.shardGroups ?? [];
  expect(groups.map(({ deletedAtNs }) => deletedAtNs !== undefined)).toEqual([true, false]);
  await node.close();
});

test('meta node: nothing leaves before it is durable', async () => {
  const one = new OneMeta();
  one.put(3, []);
  const node = await one.open();
  const gate = new Latch<undefined>();
  one.kv.gate = gate.promise;
  const vote: Message = { kind: 'vote', from: 2, to: 1, term: 5, isPreVote: false, isTransfer: false, lastIndex: 9, lastTerm: 4 }; // prettier-ignore
  await ask(node, deliverMethod, { from: 'm2:8089', commandVersion: 1, messages: [vote] });
  await one.run(500);
  expect(one.sent).toEqual([]);
  gate.open(undefined);
  await one.run(1);
  expect(one.sent).toMatchObject([{ kind: 'vote-reply', to: 2, term: 5, granted: true }]);
  expect(one.kv.syncs).toEqual([true]);
});

function entryCount(kv: MemoryKv): number {
  return [...kv.values.keys()].filter((key) => key.startsWith('entry/')).length;
}

test.each([
  ['entries', { snapshotEntries: 20, snapshotShare: 0 }],
  ['bytes', { snapshotEntries: 100_000, snapshotBytes: 1_000, snapshotShare: 0 }],
])(
  'meta node: the log is compacted by %s, and some of it stays for those a little behind',
  async (_what, part) => {
    // prettier-ignore
    const one = new OneMeta();
    const node = await one.open(part);
    await node.found();
    await one.run(1_000);
    const counts: number[] = [];
    for (let i = 0; i < 150; i++) {
      await one.world.complete(node.execute({ kind: 'create-database', name: `db${i}` }));
      counts.push(entryCount(one.kv));
    }
    expect(Math.max(...counts)).toBeLessThan(45);
    expect(Math.min(...counts.slice(50))).toBeGreaterThan(5);
    await one.world.complete(node.close());
    const again = await one.open(part);
    await one.run(3_000);
    expect(again.catalog.databases).toHaveLength(150);
    await one.world.complete(again.close());
  },
);

test('meta node: who waits for it when it stops is told', async () => {
  const one = new OneMeta();
  const node = await one.open();
  await node.found();
  await one.run(1_000);
  const gate = new Latch<undefined>();
  one.kv.gate = gate.promise;
  const waiting = [node.execute({ kind: 'create-database', name: 'db' }), node.readBarrier()];
  const outcomes = Promise.allSettled(waiting);
  const closed = node.close();
  gate.open(undefined);
  await one.world.complete(closed);
  const startMs = one.world.nowMs;
  const texts = (await one.world.complete(outcomes)).map((outcome) => outcome.status === 'rejected' ? errorText(outcome.reason) : 'done'); // prettier-ignore
  expect(texts).toEqual(['the node stops', 'leadership was lost']);
  // Not by running into a limit.
  expect(one.world.nowMs - startMs).toBeLessThan(100);
});

test('meta node: the last one cannot be removed', async () => {
  const one = new OneMeta();
  const node = await one.open();
  await node.found();
  await one.run(1_000);
  await expect(one.world.complete(node.removeMeta(1))).rejects.toThrow('a cluster keeps at least one meta node'); // prettier-ignore
  expect(node.catalog.metaNodes).toHaveLength(1);
});

test('meta node: one that took some of the log, lost it and is added again gets all of it', async () => {
  const one = new OneMeta();
  const node = await one.open();
  await node.found();
  await one.run(2_000);
  for (const name of ['a', 'b', 'c']) void node.execute({ kind: 'create-database', name });
  await one.run(2_000);
  const other = { taken: 0, isStuck: true };
  one.onSent = (message) => {
    const answer = (body: MessageBody): void => {
      const reply = { ...body, from: message.to, to: 1, term: message.term };
      void ask(node, deliverMethod, { from: 'm2:8089', messages: [reply], commandVersion: 99 });
    };
    const took = (index: number): void => {
      // The one that gives it its vote does not come through.
      other.taken = other.isStuck ? Math.min(index, 4) : index;
      answer({ kind: 'append-reply', index: other.taken, rejected: false, hintIndex: 0, hintTerm: 0 }); // prettier-ignore
    };
    if (message.kind === 'snapshot') took(message.snapshot.index);
    else if (message.kind === 'heartbeat')
      answer({ kind: 'heartbeat-reply', round: message.round });
    else if (message.kind === 'append' && message.previousIndex > other.taken)
      answer({ kind: 'append-reply', index: message.previousIndex, rejected: true, hintIndex: other.taken, hintTerm: other.taken === 0 ? 0 : 1 }); // prettier-ignore
    else if (message.kind === 'append') took(message.previousIndex + message.entries.length);
  };
  const first = node.addMeta('m2:8091', 'm2:8089').catch(errorText);
  await one.run(40_000);
  expect(await first).toBe('the new meta node does not follow the log');
  expect(other.taken).toBe(4);
  Object.assign(other, { taken: 0, isStuck: false });
  const second = node.addMeta('m2:8091', 'm2:8089').catch(errorText);
  await one.run(40_000);
  expect(await second).toBe(2);
  expect(node.status.peers).toEqual(['m1:8089', 'm2:8089']);
  const closing = node.close();
  await one.run(5_000);
  await closing;
});

test('meta node: asked to join twice at once, as when a message is doubled, it joins once', async () => {
  const one = new OneMeta();
  const node = await one.open();
  const join = (nodeId: number) => ask(node, joinMetaMethod, { nodeId, clusterId: 7n });
  const asked = [join(2), join(2), join(3)];
  await expect(asked[0]).resolves.toEqual({});
  await expect(asked[1]).resolves.toEqual({});
  await expect(asked[2]).rejects.toThrow('already joined to cluster');
  expect(node.status.nodeId).toBe(2);
  await node.close();
});

test('meta node: one that never got the log sends those who watch it on, and a node with a leader keeps them', async () => {
  const [stranded, leading] = [new OneMeta(), new OneMeta()];
  const node = await stranded.open();
  await ask(node, joinMetaMethod, { nodeId: 2, clusterId: 7n });
  let [strandedEnd, leadingEnd] = ['goes on', 'goes on'];
  void watched(node).catch((error: unknown) => (strandedEnd = errorText(error)));
  const leader = await leading.open();
  await leader.found();
  void watched(leader).then(() => (leadingEnd = 'ended'));
  await stranded.run(10_000);
  await leading.run(10_000);
  expect([strandedEnd, leadingEnd]).toEqual(['no leader', 'goes on']);
  await leading.world.complete(leader.close());
});

test('meta node: one whose disk hangs sends those who watch it on', async () => {
  const one = new OneMeta();
  const node = await one.open();
  await node.found();
  await one.run(1_000);
  let end = 'goes on';
  void watched(node).catch((error: unknown) => (end = errorText(error)));
  const hung = new Latch<undefined>();
  one.kv.gate = hung.promise;
  void node.execute({ kind: 'create-database', name: 'db' }).catch(() => undefined);
  await one.run(12_000);
  expect([node.status.leader, end]).toEqual(['m1:8089', 'no leader']);
  hung.open(undefined);
  await one.world.complete(node.close());
});

test('meta node: one that was put back decides nothing once a data node shows that it was told of more', async () => {
  const one = new OneMeta();
  const node = await one.open();
  await node.found();
  await one.run(1_000);
  const create = (name: string) =>
    one.world.complete(node.execute({ kind: 'create-database', name }));
  await create('before');
  const { index } = node.catalog;
  void watched(node, index).catch(() => undefined);
  await one.run(1_000);
  await create('heard');
  await expect(one.world.complete(watched(node, index + 9))).rejects.toThrow(
    'the meta nodes know less',
  );
  await expect(create('after')).rejects.toThrow(/their disks were put back; influxd-meta recover/);
  expect(node.catalog.databases.map(({ name }) => name)).toEqual(['before', 'heard']);
  await one.world.complete(node.close());
});

/** To the end of what a node says to whoever watches. */
async function watched(node: MetaNode, index = 0): Promise<void> {
  const served = must(node.methods.find(({ path }) => path === watchMethod.path), 'the method is there'); // prettier-ignore
  if (served.kind !== 'stream') throw new Error('it is a call');
  const request = watchMethod.request.encode({ index, form: 'protobuf' });
  const { signal } = new AbortController();
  for await (const _ of served.answer(request, { signal })) continue;
}

test('meta node: a stranger cannot listen to what members send each other', async () => {
  const one = new OneMeta();
  one.put(2, []);
  const node = await one.open();
  const served = must(node.methods.find(({ path }) => path === listenMethod.path), 'the method is there'); // prettier-ignore
  const { signal } = new AbortController();
  const reading = async (): Promise<void> => {
    if (served.kind !== 'stream') throw new Error('it is a call');
    for await (const _ of served.answer(listenMethod.request.encode({ from: 'x:8089' }), { signal })) expect.fail(); // prettier-ignore
  };
  await expect(reading()).rejects.toThrow('x:8089 is not a member of this cluster');
  await node.close();
});
