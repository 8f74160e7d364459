import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import type { EngineHost } from '../../env/engine-host.ts';
import type { ListRequest } from './lists/schema-list.ts';
import { LocalShards } from './local-shards.ts';
import type { StorageEngineOptions } from './engine-tasks.ts';
import type { AnswerPart } from './answers/answer-task.ts';

/** Workers that have started and never answer, and the numbers of those that were asked to parse. */
async function idleWorkers(count: number) {
  const asked: number[] = [];
  const host: EngineHost = {
    prepare: () => undefined,
    spawn: ({ index }) =>
      Promise.resolve({
        call: (kind) => {
          if (kind === 'settle-log') return Promise.resolve(undefined);
          asked.push(index);
          return new Promise<never>(() => undefined);
        },
        stream: () => [] as never,
        streamsActive: 0,
        died: new Promise<never>(() => undefined),
        close: () => Promise.resolve(),
      }),
  };
  return { asked, shards: await LocalShards.start(host, count, {} as StorageEngineOptions) };
}

const groups = [
  { startNs: 0n, endNs: 10n, shardIds: [4] },
  { startNs: 10n, endNs: 20n, shardIds: [8] },
  { startNs: 20n, endNs: 30n, shardIds: [6] },
];

function task(lengthBytes: number, defaultTimeNs: bigint) {
  return { body: new Uint8Array(lengthBytes), stepNs: 1n, defaultTimeNs, bounds: {}, groups };
}

test('local shards: a body is parsed at home of the shard of now, else of the latest', async () => {
  const { asked, shards } = await idleWorkers(3);
  for (const nowNs of [15n, 3n, 99n]) void shards.routeLines(task(1_000, nowNs));
  expect(asked).toEqual([2, 1, 0]);
});

test('local shards: with much more to do at home a body goes to the worker with the least', async () => {
  const { asked, shards } = await idleWorkers(3);
  for (let i = 0; i < 5; i++) void shards.routeLines(task(3 << 20, 15n));
  expect(asked).toEqual([2, 2, 0, 1, 2]);
  const none = { ...task(1, 15n), groups: [] };
  void shards.routeLines(none);
  expect(asked.at(-1)).toBe(0);
});

test('local shards: a share without groups is not known of a shard that came to be read by nobody meanwhile', async () => {
  const said: AnswerPart = { bytes: new Uint8Array(), closing: '', isLast: true, share: { spans: new Uint32Array(), emptyAt: 0 } }; // prettier-ignore
  let answerCount = 0;
  let finish = (): void => undefined;
  const host: EngineHost = {
    prepare: () => undefined,
    spawn: () =>
      Promise.resolve({
        call: (kind) => {
          if (kind !== 'expect-copy') return Promise.resolve(undefined);
          return new Promise((resolve) => {
            finish = () => {
              resolve(true);
            };
          });
        },
        async *stream() {
          answerCount++;
          yield await Promise.resolve(said);
        },
        streamsActive: 0,
        died: new Promise<never>(() => undefined),
        close: () => Promise.resolve(),
      }),
  };
  const shards = await LocalShards.start(host, 1, {} as StorageEngineOptions);
  const ask = async (): Promise<number> => {
    const request = { text: 'q', nowNs: 0n, isKept: true, isShare: true };
    for await (const _ of shards.answer([4], request, new AbortController().signal) ?? []);
    return answerCount;
  };
  const place = { shardId: 4, database: 'd', retentionPolicy: 'r' };
  const expecting = shards.expectCopy(place as never);
  expect([await ask(), await ask()]).toEqual([1, 1]);
  finish();
  await expecting;
  expect(await ask()).toBe(2);
});

/** A worker whose deletes are held, and which has lists of a version that stays. */
function deletingHost(deleted: Promise<unknown>): EngineHost {
  return {
    prepare: () => undefined,
    spawn: () =>
      Promise.resolve({
        call: (kind) => (kind === 'delete' ? deleted : Promise.resolve(undefined)),
        async *stream() {
          yield await Promise.resolve({ pieces: [], seriesVersion: 1 });
        },
        streamsActive: 0,
        died: new Promise<never>(() => undefined),
        close: () => Promise.resolve(),
      }),
  };
}

test('local shards: a list that is read while its shard is deleted is not known afterwards', async () => {
  const deleted = new Latch<undefined>();
  const shards = await LocalShards.start(deletingHost(deleted.promise), 1, {} as StorageEngineOptions); // prettier-ignore
  const request = { of: 'measurements', shardIds: [4], measurements: [] } as unknown as ListRequest;
  const list = async (): Promise<number> => {
    for await (const _ of shards.list(request, { deadlineMs: 1_000, signal: undefined }));
    return shards.listVersion;
  };
  const deleting = shards.deleteShards([4]);
  const before = await list();
  expect(await list()).toBe(before);
  deleted.open(undefined);
  await deleting;
  expect(shards.listVersion).toBeGreaterThan(before);
});

test.each(['delete-points', 'install'])(
  'local shards: a list of before is not known once %s has failed, as nobody can tell how far it came',
  async (failing) => {
    let listCount = 0;
    const host: EngineHost = {
      prepare: () => undefined,
      spawn: () =>
        Promise.resolve({
          call: (kind) => (kind === failing ? Promise.reject(new Error('no room')) : Promise.resolve(undefined)), // prettier-ignore
          async *stream() {
            listCount++;
            yield await Promise.resolve({ pieces: [], seriesVersion: 1 });
          },
          streamsActive: 0,
          died: new Promise<never>(() => undefined),
          close: () => Promise.resolve(),
        }),
    };
    const shards = await LocalShards.start(host, 1, {} as StorageEngineOptions);
    const failed: number[] = [];
    const gone: number[] = [];
    shards.watchDeletes((ids) => failed.push(...ids));
    shards.watchFields((ids) => gone.push(...ids));
    const request = { of: 'series', shardIds: [4], measurements: [] } as const;
    const list = async (): Promise<number> => {
      for await (const _ of shards.list(request, { deadlineMs: 1_000, signal: undefined }));
      return listCount;
    };
    expect([await list(), await list()]).toEqual([1, 1]);
    const place = { shardId: 4, database: 'd', retentionPolicy: 'r', copyIndex: 1, staging: 's' };
    const changing = failing === 'install' ? shards.install({ ...place, deletes: [] }) : shards.deletePoints({ ...request, minTimeNs: 0n, maxTimeNs: 1n }); // prettier-ignore
    await expect(changing).rejects.toThrow('no room');
    expect(await list()).toBe(2);
    expect([failed, gone]).toEqual([[4], [4]]);
  },
);

test('local shards: one is deleted once nobody relies on lists of it', async () => {
  const told = new Latch<undefined>();
  const cluster = { clusterId: () => 0n, restoreIndexOf: () => undefined, whenTold: () => told.promise }; // prettier-ignore
  const host = deletingHost(Promise.resolve(undefined));
  const shards = await LocalShards.start(host, 1, {} as StorageEngineOptions, cluster);
  const order: string[] = [];
  const deleting = shards.deleteShards([4]).then(() => order.push('deleted'));
  await new Promise(setImmediate);
  order.push('told');
  told.open(undefined);
  await deleting;
  expect(order).toEqual(['told', 'deleted']);
});

test('local shards: what a plan does not know of is not read by it, and is known once a worker has read it', async () => {
  let schemaVersion = 1;
  const packed = { numbers: new Int32Array(), groups: [], buffers: [] };
  const host: EngineHost = {
    prepare: () => undefined,
    spawn: () =>
      Promise.resolve({
        call: (kind) => Promise.resolve(kind === 'describe' ? { measurements: [{ name: `m${schemaVersion}`, fields: [], tagKeys: [] }], schemaVersion } : undefined), // prettier-ignore
        async *stream() {
          yield await Promise.resolve({ ...packed, schemaVersion });
          yield packed;
        },
        streamsActive: 0,
        died: new Promise<never>(() => undefined),
        close: () => Promise.resolve(),
      }),
  };
  const shards = await LocalShards.start(host, 1, {} as StorageEngineOptions);
  const options = { deadlineMs: 1_000 };
  const times = { minTimeNs: 0n, maxTimeNs: 1n, ascending: true };
  const task = { kind: 'rows', columns: [], rowsMax: 0 } as const;
  const fragment = { version: 3, measurement: 'm', shardIds: [4], groupBy: [], task, ...times };
  const read = async (describedAt?: string) => {
    let batchCount = 0;
    for await (const blocks of shards.fragment(fragment, { ...options, describedAt })) batchCount += 1 + blocks.length; // prettier-ignore
    return batchCount;
  };
  // The first heard of a worker makes it another, too.
  await shards.describe([4], options);
  const { mark } = await shards.describe([4], options);
  expect(await read(mark)).toBe(2);
  schemaVersion = 2;
  expect(shards.described([4], undefined)?.measurements[0]?.name).toBe('m1');
  await expect(read(mark)).rejects.toMatchObject({ code: 'schema_changed' });
  expect(shards.described([4], undefined)).toBeUndefined();
  expect(await read()).toBe(2);
  const described = await shards.describe([4], options);
  expect(described.measurements[0]?.name).toBe('m2');
  expect(await read(described.mark)).toBe(2);
});
