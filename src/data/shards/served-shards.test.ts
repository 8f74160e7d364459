import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import type { DbError } from '../../base/errors.ts';
import type { RpcContext } from '../../env/transport.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import type { CallMethod, StreamMethod } from '../../rpc/method.ts';
import type { ServedMethod } from '../../rpc/served-method.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import type { ShardAccess, ShardBatch, ShardMarks } from '../engine/shard-access.ts';
import { ServedCounters } from './served-counters.ts';
import { servedShards } from './served-shards.ts';
import { fragmentMethod } from './fragment-message.ts';
import {
  answerMethod,
  describeMethod,
  listMethod,
  marksMethod,
  writeShardsMethod,
} from './shard-methods.ts';

const rules = { name: 'autogen', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore

/** Database `db`, with shards 1 and 2 of node 4, 3 of node 5; ids up to 9 have been given. */
function catalogWith(ids: readonly (readonly [id: number, owner: number])[]): Catalog {
  const shards = ids.map(([id, owner]) => ({ id, owners: [owner] }));
  const shardGroups = [{ id: 1, startNs: 0n, endNs: 1n, shards }];
  const database = { name: 'db', defaultRetentionPolicy: 'autogen', retentionPolicies: [{ ...rules, shardGroups }] }; // prettier-ignore
  return { ...emptyCatalog, maxShardId: 9, databases: Databases.of([database]) };
}

/** Node 4, whose shards only note what they are asked. */
class Node4 {
  readonly world = new World(1);
  readonly meta = { nodeId: 4, catalog: catalogWith([[1, 4], [2, 4], [3, 5]]) }; // prettier-ignore
  readonly asked: unknown[] = [];
  schemaVersion = 0;
  listVersion = 0;
  growsWhenRead = false;
  freshCount = 0;
  readonly counters = new ServedCounters();
  readonly #methods: readonly ServedMethod[];

  constructor() {
    this.world.addNode('d4');
    const { clock } = must(this.world.nodes[0], 'd4').env;
    const listGrows = (): void => {
      this.listVersion++;
    };
    const fragmentReads = (): void => {
      if (this.growsWhenRead) this.schemaVersion++;
    };
    const shards: ShardAccess = {
      decideFieldTypes: () => Promise.resolve([]),
      deletePoints: () => Promise.resolve(),
      writeMany: (batches) => {
        this.asked.push(...batches);
        return Promise.resolve(batches.map(() => ({ kind: 'written', droppedCount: 0, reason: '' }))); // prettier-ignore
      },
      describe: (shardIds) => {
        this.asked.push(shardIds);
        return Promise.resolve({ measurements: [], lanes: [shardIds] });
      },
      async *list() {
        yield await Promise.resolve([{ at: 0, key: '', texts: ['m,a=1'] }]);
        listGrows();
        yield [{ at: 0, key: '', texts: ['m,a=2'] }];
      },
      async *fragment() {
        fragmentReads();
        yield await Promise.resolve([]);
      },
      answer: (shardIds) => {
        this.asked.push(shardIds);
        return shardIds.length > 1 ? undefined : wholeAnswer();
      },
    };
    this.#methods = servedShards({
      clock,
      meta: this.meta,
      shards,
      counters: this.counters,
      keep: () => Promise.resolve(),
      unsettled: { heard: () => undefined, hold: () => false },
      settledFor: () => ({ run: 1, settledBelow: 1 }),
      freshCount: () => this.freshCount,
      schemaVersion: () => this.schemaVersion,
      listVersion: () => this.listVersion,
      pledges: { give: () => undefined },
      stamps: { learned: () => undefined, seen: () => undefined, lastNs: 0n },
    });
  }

  async write(...batches: readonly ShardBatch[]): Promise<readonly string[]> {
    const { outcomes } = await this.#call(writeShardsMethod, { batches });
    return outcomes.map((one) => (one.kind === 'failed' ? one.code : one.kind));
  }

  /** What the answer to a write says of those of its own clients. */
  async writeBeside(freshCount: number): Promise<number | undefined> {
    this.freshCount = freshCount;
    return (await this.#call(writeShardsMethod, { batches: [good] })).freshCount;
  }

  async describe(shardIds: readonly number[]): Promise<readonly (readonly number[])[]> {
    const parts = await this.#stream(describeMethod, { shardIds, tellsStamp: false });
    return parts.flatMap(({ lanes }) => lanes);
  }

  async mark(shardIds: readonly number[]): Promise<string | undefined> {
    const [first] = await this.#stream(describeMethod, { shardIds, tellsStamp: false });
    return first?.mark;
  }

  async list(shardIds: readonly number[], describedAt?: string): Promise<readonly unknown[]> {
    const request = { of: 'series', shardIds, measurements: [{ name: 'm' }] } as const;
    return this.#stream(listMethod, { ...request, describedAt });
  }

  marks(): Promise<ShardMarks> {
    return this.#call(marksMethod, { pledgeTo: 0 });
  }

  async fragment(shardIds: readonly number[], describedAt?: string): Promise<readonly unknown[]> {
    const task = { kind: 'rows', columns: [], rowsMax: 0 } as const;
    const times = { minTimeNs: 0n, maxTimeNs: 1n, ascending: true };
    const fragment = {
      version: 1,
      measurement: 'm',
      shardIds,
      groupBy: [],
      task,
      ...times,
    } as const;
    const replies = await this.#stream(fragmentMethod, { fragment, describedAt });
    return replies.map((reply) => 'blocks' in reply && reply.blocks);
  }

  async answer(shardIds: readonly number[]): Promise<string> {
    const place = { database: 'db', retentionPolicy: 'autogen', shardIds, isParted: false };
    const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0, nowNs: 0n };
    const statement = 'SELECT v FROM db.autogen.m';
    const parts = await this.#stream(answerMethod, { statement, ...place, ...limits });
    return parts.map(({ bytes, closing }) => Buffer.from(bytes).toString() + closing).join();
  }

  async #call<Q, A>(method: CallMethod<Q, A>, request: Q): Promise<A> {
    const served = must(
      this.#methods.find(({ path }) => path === method.path),
      method.path,
    );
    if (served.kind !== 'call') throw new Error('it is a stream');
    const answer = served.answer(method.request.encode(request), context);
    return method.reply.decode(await this.world.complete(answer));
  }

  async #stream<Q, A>(method: StreamMethod<Q, A>, request: Q): Promise<readonly A[]> {
    const served = must(
      this.#methods.find(({ path }) => path === method.path),
      method.path,
    );
    if (served.kind !== 'stream') throw new Error('it is a call');
    const replies = served.answer(method.request.encode(request), context);
    const all = async (): Promise<readonly A[]> => {
      const parts: A[] = [];
      for await (const reply of replies) parts.push(method.reply.decode(reply));
      return parts;
    };
    return this.world.complete(all());
  }
}

async function* wholeAnswer(): AsyncGenerator<AnswerPart> {
  yield await Promise.resolve({ bytes: Buffer.from('{"results":[{'), closing: ']}' });
}

const context: RpcContext = { signal: new AbortController().signal };
const payload = Uint8Array.of(1);
const good: ShardBatch = { shardId: 1, database: 'db', retentionPolicy: 'autogen', payload };

test('served shards: a batch is written where the catalog places its shard, or refused by itself', async () => {
  const node = new Node4();
  const outcomes = await node.write(
    good,
    { ...good, database: '../../../x' },
    { ...good, retentionPolicy: 'other' },
    { ...good, shardId: 3 },
    { ...good, shardId: 7 },
    { ...good, shardId: 2 },
  );
  expect(outcomes).toEqual(['written', 'invalid_argument', 'invalid_argument', 'shard_not_found', 'shard_not_found', 'written']); // prettier-ignore
  const routed = { ...good, catalogIndex: 0 };
  expect(node.asked).toEqual([routed, { ...routed, shardId: 2 }]);
});

test('served shards: an answer to a write says how many writes clients have given this node', async () => {
  const node = new Node4();
  expect(await node.writeBeside(0)).toBe(0);
  expect(await node.writeBeside(7_000_000_000)).toBe(7_000_000_000);
});

test('served shards: what others ask is counted, each shard of a write as a request', async () => {
  const node = new Node4();
  const payload = new Uint8Array(48);
  new DataView(payload.buffer).setUint32(4, 3, true);
  await node.write({ ...good, payload }, { ...good, shardId: 3, payload });
  await node.describe([1]);
  await node.fragment([1]);
  const [statistic] = node.counters.statistics();
  expect(statistic).toMatchObject({ name: 'cluster', tags: {} });
  const counted = Object.entries(statistic?.values ?? {}).filter(([, value]) => value !== 0);
  expect(Object.fromEntries(counted)).toEqual({
    createIteratorReq: 1,
    fieldDimensionsReq: 1,
    writeShardFail: 1,
    writeShardPointsReq: 6,
    writeShardReq: 2,
  });
});

test('served shards: a shard of a newer catalog is waited for, and not for ever', async () => {
  const node = new Node4();
  const { clock } = must(node.world.nodes[0], 'd4').env;
  clock.after(500, () => {
    node.meta.catalog = { ...catalogWith([[1, 4], [12, 4]]), maxShardId: 12 }; // prettier-ignore
  });
  expect(await node.write({ ...good, shardId: 12 })).toEqual(['written']);
  expect(await node.write({ ...good, shardId: 13 })).toEqual(['unavailable']);
  expect(await node.describe([12])).toEqual([[12]]);
});

test('served shards: shards that are not known here hold up the others of a call for as long as one of them', async () => {
  const node = new Node4();
  const { clock } = must(node.world.nodes[0], 'd4').env;
  const unknown = [13, 14, 15, 16].map((shardId) => ({ ...good, shardId }));
  const fromMs = clock.monotonicMs();
  const outcomes = await node.write(...unknown, good, { ...good, shardId: 2 }, good);
  expect(outcomes).toEqual([...unknown.map(() => 'unavailable'), 'written', 'written', 'written']);
  expect(clock.monotonicMs() - fromMs).toBeLessThan(5_000);
  expect(node.asked).toMatchObject([1, 2, 1].map((shardId) => ({ shardId })));
});

test('served shards: readers get what is there; of a shard elsewhere another owner is asked', async () => {
  const node = new Node4();
  // 7 was dropped a moment ago.
  expect(await node.describe([1, 7, 2])).toEqual([[1, 2]]);
  expect(await node.fragment([7])).toEqual([]);
  expect(await node.fragment([1])).toEqual([[]]);
  const refused = (run: Promise<unknown>) => run.catch((error: unknown) => (error as DbError).code);
  expect(await refused(node.describe([1, 3]))).toBe('unavailable');
  expect(await refused(node.fragment([3]))).toBe('unavailable');
});

test.each([1e300, -1, 0, 0.5, 2 ** 53, NaN])(
  'served shards: shard %d is no shard',
  async (shardId) => {
    const node = new Node4();
    await expect(node.write({ ...good, shardId })).rejects.toThrow();
    expect(node.asked).toEqual([]);
  },
);

test('served shards: a fragment that was planned by other schemas is refused, one by those of now or by none is not', async () => {
  const node = new Node4();
  const mark = await node.mark([1]);
  expect(await node.fragment([1], mark)).toEqual([[]]);
  node.schemaVersion++;
  await expect(node.fragment([1], mark)).rejects.toMatchObject({ code: 'schema_changed' });
  expect(await node.fragment([1])).toEqual([[]]);
  expect(await node.fragment([1], await node.mark([1]))).toEqual([[]]);
  // Another run of the node counts from the start.
  await expect(new Node4().fragment([1], `1.${node.schemaVersion}`)).rejects.toMatchObject({ code: 'schema_changed' }); // prettier-ignore
});

test('served shards: a fragment that finds other schemas than those it was planned by is refused before anything of it is sent', async () => {
  const node = new Node4();
  node.growsWhenRead = true;
  const mark = await node.mark([1]);
  await expect(node.fragment([1], mark)).rejects.toMatchObject({ code: 'schema_changed' });
  expect(await node.fragment([1])).toEqual([[]]);
});

test('served shards: a list says what stood for the lists of the node when it began, and which message is the last', async () => {
  const node = new Node4();
  const { lists } = await node.marks();
  const piece = (text: string) => ({ at: 0, key: '', texts: [text], sketch: undefined });
  expect(await node.list([1])).toEqual([
    { pieces: [piece('m,a=1')], mark: lists, isLast: false },
    { pieces: [piece('m,a=2')], mark: undefined, isLast: true },
  ]);
  expect((await node.marks()).lists).not.toBe(lists);
  expect(await node.list([])).toEqual([]);
});

test('served shards: what comes while a list waits for a shard is not among what it stands for', async () => {
  const node = new Node4();
  const { schemas, lists } = await node.marks();
  must(node.world.nodes[0], 'd4').env.clock.after(500, () => {
    node.listVersion++;
    node.schemaVersion++;
    node.meta.catalog = { ...catalogWith([[1, 4], [12, 4]]), maxShardId: 12 }; // prettier-ignore
  });
  // It names the measurements of before, and would be kept as the list of all there is.
  const [first] = await node.list([1, 12], schemas);
  expect(first).toMatchObject({ mark: lists });
});

test('served shards: a list that was asked for by other schemas is refused', async () => {
  const node = new Node4();
  const mark = await node.mark([1]);
  expect((await node.marks()).schemas).toBe(mark);
  expect(await node.list([1], mark)).toHaveLength(2);
  node.schemaVersion++;
  expect((await node.marks()).schemas).not.toBe(mark);
  await expect(node.list([1], mark)).rejects.toMatchObject({ code: 'schema_changed' });
});

test('served shards: one worker answers for another node, and only of shards that are here', async () => {
  const node = new Node4();
  expect(await node.answer([1])).toBe('{"results":[{]}');
  await expect(node.answer([1, 2])).rejects.toMatchObject({ code: 'unavailable' });
  await expect(node.answer([3])).rejects.toMatchObject({ code: 'unavailable' });
  expect(node.asked).toEqual([[1], [1, 2]]);
});
