import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import { joinedEntryWords } from '../../kernels/line-kernel.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { Databases } from '../../meta/model/databases.ts';
import { routeLines, type LinesTask, type RoutedLines } from '../engine/lines/route-lines.ts';
import { partBatch, type PartTask } from '../engine/lines/part-batch.ts';
import type { OwnerReceipt } from '../engine/shard-access.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import type { WrittenBody } from './body-routes.ts';
import { PointsWriter, type DroppedWrite } from './points-writer.ts';
import { StampClock } from './stamp-clock.ts';
import type { Share, ShareOutcome } from './share.ts';

const parting = { partBatch: (task: PartTask) => Promise.resolve(partBatch(task)) };
const clock = {
  wallNs: () => 0n,
  monotonicMs: () => 0,
  after: () => ({ cancel: () => undefined }),
} as unknown as Clock;
const policy = {
  name: 'autogen',
  durationNs: 0n,
  replicaCount: 1,
  pastLimitNs: 0n,
  futureLimitNs: 0n,
  shardGroupDurationNs: 1_000n,
  shardGroups: [{ id: 1, startNs: 0n, endNs: 1_000n, shards: [{ id: 3, owners: [4] }] }],
};
const database = { name: 'd', defaultRetentionPolicy: 'autogen', retentionPolicies: [policy] };

/** What a write answers when the one owner gives that receipt; how many batches it got. */
async function write(
  body: string,
  receipt: OwnerReceipt = { droppedCount: 0, reason: '' },
  hasRoom = true,
  catalog: object = { databases: Databases.of([database]), index: 1 },
) {
  // prettier-ignore
  let batchCount = 0;
  const copies: WrittenBody[] = [];
  const subscribers = {
    areFor: (name: string, policyName: string) => `${name}.${policyName}` === 'd.autogen',
    send: (copy: WrittenBody) => {
      copies.push(copy);
      return hasRoom;
    },
  };
  const shares = {
    send: (): Share => {
      batchCount++;
      return {
        accepted: Promise.resolve(),
        outcome: Promise.resolve({ kind: 'written', receipt }),
      };
    },
  };
  const dropped: DroppedWrite[] = [];
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: { catalog, nodeId: 0 } as unknown as MetaAccess,
    onDropped: (one) => dropped.push(one),
    shares,
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => Promise.resolve(routeLines(task)),
    subscribers,
  });
  const request = { database: 'd', retentionPolicy: '', stepNs: 1n, level: 'one', timeoutMs: 1_000 } as const; // prettier-ignore
  // As it comes over HTTP: memory that another body has next.
  const shared = Buffer.from(new SharedArrayBuffer(Buffer.byteLength(body)));
  shared.write(body);
  const bodyRead = () => shared.fill(0);
  const text = await writer.write({ ...request, body: shared, bodyRead }).then(
    () => 'written',
    (error: unknown) => String(error),
  );
  const sent = copies.map((copy) => {
    // It moves to a worker.
    expect(copy.body.buffer).toBeInstanceOf(ArrayBuffer);
    return `${copy.retentionPolicy} ${copy.stepNs} ${copy.defaultTimeNs} ${new TextDecoder().decode(copy.body)}`;
  });
  const [{ values } = { values: {} }] = writer.statistics();
  return { text, batchCount, sent, values, dropped };
}

const badTag = 'invalid tag key: input tag "time" on measurement "m" is invalid';
const badField = 'invalid field name: input field "time" on measurement "m" is invalid';
const stripped = '. Field "time" has been stripped from point.';

test.each([
  ['m f=1 1', 'written', 1],
  [
    'm,time=a f=1 1',
    `DbError: partial write: ${badTag} dropped=1 for database: d for retention policy: autogen`,
    0,
  ],
  [
    'm,time=a f=1 1\nm f=1 1',
    `DbError: partial write: ${badTag} dropped=1 for database: d for retention policy: autogen`,
    1,
  ],
  [
    'm time=1 1\nbad',
    `DbError: partial write: ${badField} dropped=1 for database: d for retention policy: autogen`,
    0,
  ],
  ['m time=1,f=1 1', `DbError: partial write: ${badField}${stripped} dropped=0 for database: d for retention policy: autogen`, 1], // prettier-ignore
  ['m f=1 1\nbad', `DbError: partial write: unable to parse 'bad': missing fields dropped=0 for database: d`, 1], // prettier-ignore
])('points writer: %j', async (body, text, batchCount) => {
  expect(await write(body)).toMatchObject({ text, batchCount });
});

test('points writer: where a shard has no owner left it is said which one, and what gives it up', async () => {
  const groups = [{ id: 1, startNs: 0n, endNs: 1_000n, shards: [{ id: 3, owners: [] }] }];
  const orphaned = { ...database, retentionPolicies: [{ ...policy, shardGroups: groups }] };
  const catalog = { databases: Databases.of([orphaned]), index: 1 };
  const { text } = await write('m f=1 1', undefined, true, catalog);
  expect(text).toBe('DbError: write failed: shard 3 has no owner (DROP SHARD 3 gives it up)');
});

test('points writer: points refused by name and by their owner are counted together', async () => {
  const receipt = { droppedCount: 2, reason: 'field type conflict' };
  const { text } = await write('m,time=a f=1 1\nm f=1 1\nm f=2 2\nm f=3 3', receipt);
  expect(text).toBe(
    `DbError: partial write: ${badTag} dropped=3 for database: d for retention policy: autogen`,
  );
});

test('points writer: whoever runs the node hears of points that nobody took, and not of lines that are none', async () => {
  const receipt = { droppedCount: 2, reason: 'field type conflict' };
  const { dropped } = await write('m f=1 1\nm f=2 2\nbad', receipt);
  expect(dropped).toEqual([{ database: 'd', policy: 'autogen', ...receipt }]);
  expect((await write('m f=1 1\nbad')).dropped).toEqual([]);
  expect((await write('m time=1,f=1 1')).dropped).toEqual([]);
});

test('points writer: subscribers get a body once, with points that no shard took, unless it has none', async () => {
  const body = 'm,time=a f=1 1\nm f=2\nbad';
  const { sent } = await write(body, { droppedCount: 1, reason: 'field type conflict' });
  expect(sent).toEqual([`autogen 1 0 ${body}`]);
  expect((await write('bad')).sent).toEqual([]);
});

test('points writer: values are counted as points are, and what subscribers have no room for', async () => {
  const body = 'm a=1,b=2 1\nm a=1,b=2 2\nm,time=x a=1,b=2 3';
  const { values } = await write(body);
  expect(values).toMatchObject({ pointsWrittenOK: 2, valuesWrittenOK: 4, subWriteOk: 1, subWriteDrop: 0 }); // prettier-ignore
  const receipt = { droppedCount: 1, reason: 'field type conflict' };
  const dropped = await write(body, receipt, false);
  expect(dropped.values).toMatchObject({ pointsWrittenOK: 1, valuesWrittenOK: 2, subWriteOk: 0, subWriteDrop: 1 }); // prettier-ignore
  expect((await write('m,time=x a=1 3')).values).toMatchObject({ pointsWrittenOK: 0, valuesWrittenOK: 0 }); // prettier-ignore
});

/** A writer whose worker writes what is its own; what the coordinator was asked to send, and which shards were own. */
function ownWriter(
  answer: (task: LinesTask) => Promise<RoutedLines>,
  isOwnAlone = ({ owners }: { readonly owners: readonly number[] }) =>
    owners.length === 1 && owners[0] === 4,
) {
  const sent: number[] = [];
  const owned: (readonly number[] | undefined)[] = [];
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: { catalog: { databases: Databases.of([database]) } } as unknown as MetaAccess,
    shares: {
      send: (_nodeId, { shardId }) => {
        sent.push(shardId);
        const receipt = { droppedCount: 0, reason: '' };
        return {
          accepted: Promise.resolve(),
          outcome: Promise.resolve({ kind: 'written', receipt }),
        };
      },
    },
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => {
      owned.push(task.own?.shardIds);
      return answer(task);
    },
    isOwnAlone,
  });
  return { writer, sent, owned };
}

const ownRequest = { database: 'd', retentionPolicy: '', body: new TextEncoder().encode('m f=1 1'), stepNs: 1n, level: 'one', timeoutMs: 1_000 } as const; // prettier-ignore

test('points writer: what a worker has written is sent to nobody, and counts', async () => {
  const { writer, sent, owned } = ownWriter((task) => {
    const { batches: _, ...routed } = routeLines(task);
    const written = [{ shardId: 3, pointCount: 1, droppedCount: 0, reason: '' }];
    return Promise.resolve({ ...routed, batches: [], written });
  });
  let okCount = 0;
  await writer.write({ ...ownRequest, counted: (points) => (okCount += points.okCount) });
  expect({ sent, owned, okCount }).toEqual({ sent: [], owned: [[3]], okCount: 1 });
  const [{ values } = { values: {} }] = writer.statistics();
  expect(values).toMatchObject({
    pointReqLocal: 1,
    writeOk: 1,
    pointsWrittenOK: 1,
    valuesWrittenOK: 1,
  });
});

test('points writer: what a worker has refused is told as any owner would', async () => {
  const { writer } = ownWriter((task) => {
    const { batches: _, ...routed } = routeLines(task);
    const written = [{ shardId: 3, pointCount: 1, droppedCount: 1, reason: 'field type conflict' }];
    return Promise.resolve({ ...routed, batches: [], written });
  });
  await expect(writer.write(ownRequest)).rejects.toMatchObject({
    message:
      'partial write: field type conflict dropped=1 for database: d for retention policy: autogen',
  });
});

test('points writer: what a worker could not write is sent, and so is what a fence or a wrong level guards', async () => {
  const { writer, sent, owned } = ownWriter((task) => Promise.resolve(routeLines(task)));
  await writer.write(ownRequest);
  await writer.write({ ...ownRequest, fence: { lease: 'l', token: 1 } });
  await expect(writer.write({ ...ownRequest, level: undefined })).rejects.toThrow(
    'invalid consistency level',
  );
  expect({ sent, owned }).toEqual({ sent: [3, 3], owned: [[3], undefined, undefined] });
});

test('points writer: a policy that is heard of while a body is looked at gets its points', async () => {
  const named = { ...policy, name: 'p' };
  let databases = Databases.of([database]);
  const sent: string[] = [];
  const receipt = { droppedCount: 0, reason: '' };
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: {
      nodeId: 0,
      get catalog() {
        return { databases };
      },
    } as unknown as MetaAccess,
    shares: {
      send: (_nodeId, { retentionPolicy }) => {
        sent.push(retentionPolicy);
        return {
          accepted: Promise.resolve(),
          outcome: Promise.resolve({ kind: 'written', receipt }),
        };
      },
    },
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => {
      // As it moves to a worker.
      const moved = structuredClone(task, { transfer: [task.body.buffer as ArrayBuffer] });
      databases = Databases.of([{ ...database, retentionPolicies: [policy, named] }]);
      return Promise.resolve(routeLines(moved));
    },
  });
  const body = new TextEncoder().encode('m f=1 1');
  await writer.write({ ...ownRequest, body, retentionPolicy: 'p' });
  expect(sent).toEqual(['p']);
});

test('points writer: what is wrong with all lines is told before that there is no policy, whose points count as failed', async () => {
  const { writer } = ownWriter((task) => Promise.resolve(routeLines(task)));
  const failed: number[] = [];
  const write = (text: string) =>
    writer.write({
      ...ownRequest,
      body: new TextEncoder().encode(text),
      retentionPolicy: 'none',
      counted: ({ failedCount }) => failed.push(failedCount),
    });
  const unparsed = "unable to parse 'm,t f=1': missing tag value";
  await expect(write('m,t f=1')).rejects.toThrow(unparsed);
  await expect(write('m f=1 1\nm,t f=1\nm f=2 2')).rejects.toThrow('policy not found: none');
  expect(failed).toEqual([2]);
});

test('points writer: of what is dropped only points beyond the policy are in writeDrop', async () => {
  const refused = { droppedCount: 1, reason: 'field type conflict' };
  expect((await write('m f=1 1', refused)).values).toMatchObject({ writeDrop: 0 });
  const limited = Databases.of([
    { ...database, retentionPolicies: [{ ...policy, durationNs: 1n }] },
  ]);
  const { values } = await write('m f=1 -5\nm f=1 1', undefined, true, { databases: limited, index: 1 }); // prettier-ignore
  expect(values).toMatchObject({ writeDrop: 1 });
});

test('points writer: which shards are own is asked for each body, and told in the same list while nothing has changed', async () => {
  let isAlone = true;
  const { writer, owned } = ownWriter((task) => Promise.resolve(routeLines(task)), () => isAlone);
  await writer.write(ownRequest);
  await writer.write(ownRequest);
  isAlone = false;
  await writer.write(ownRequest);
  isAlone = true;
  await writer.write(ownRequest);
  expect(owned).toEqual([[3], [3], undefined, [3]]);
  expect(owned[1]).toBe(owned[0]);
}); // prettier-ignore

test('points writer: a worker that takes too long ends the answer, and keeps the body until it has ended', async () => {
  let finish: () => void = () => undefined;
  let isRead = false;
  const slow = new Promise<void>((resolve) => (finish = resolve));
  const { clock: handClock, run } = firingClock();
  const writer = new PointsWriter({
    ...parting,
    stamps: new StampClock({ clock: handClock, nodeId: () => 1, random: { u32: () => 1 } }),
    clock: handClock,
    meta: { catalog: { databases: Databases.of([database]) } } as unknown as MetaAccess,
    shares: { send: () => expect.fail('nothing is sent') },
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => slow.then(() => routeLines(task)),
    isOwnAlone: () => true,
  });
  const written = writer.write({ ...ownRequest, bodyRead: () => (isRead = true) });
  run();
  await expect(written).rejects.toMatchObject({ code: 'timeout', message: 'timeout' });
  expect(isRead).toBe(false);
  finish();
  await new Promise(setImmediate);
  expect(isRead).toBe(true);
});

/** Timers fire when told to. */
function firingClock() {
  const runs: (() => void)[] = [];
  const after = (_durationMs: number, run: () => void) => {
    runs.push(run);
    return { cancel: () => undefined };
  };
  return { clock: { wallNs: () => 0n, monotonicMs: () => 0, after } as unknown as Clock, run: () => runs.forEach((one) => one()) }; // prettier-ignore
}

test('points writer: an owner whose copy another node keeps counts as one that lacks it, so that it is not read', async () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  const shards = [{ id: 3, owners: [4, 5, 6] }];
  const shared = { ...policy, shardGroups: [{ id: 1, startNs: 0n, endNs: 1_000n, shards }] };
  const databases = Databases.of([{ ...database, retentionPolicies: [shared] }]);
  const outcomes: Readonly<Record<number, ShareOutcome>> = {
    4: { kind: 'written', receipt: { droppedCount: 0, reason: '' } },
    5: { kind: 'queued', error: undefined, keeperId: 6 },
    6: { kind: 'queued', error: undefined },
  };
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: { catalog: { databases } } as unknown as MetaAccess,
    shares: {
      send: (owner) => ({
        accepted: Promise.resolve(),
        outcome: Promise.resolve(outcomes[owner] ?? { kind: 'lost', error: undefined }),
      }),
    },
    lagging,
    routeLines: (task) => Promise.resolve(routeLines(task)),
  });
  const body = new TextEncoder().encode('m f=1 1');
  await writer.write({ database: 'd', retentionPolicy: '', stepNs: 1n, level: 'one', timeoutMs: 1_000, body }); // prettier-ignore
  // What is told of the outcomes comes behind the answer.
  await new Promise(setImmediate);
  expect([4, 5, 6].map((owner) => lagging.missedAt(3, owner) > 0)).toEqual([false, true, false]);
});

test('points writer: memory of batches is used again once all owners have their copy, and not before', async () => {
  const rooms: ArrayBufferLike[] = [];
  const settle: ((outcome: ShareOutcome) => void)[] = [];
  const receipt = { droppedCount: 0, reason: '' };
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: { catalog: { databases: Databases.of([database]) } } as unknown as MetaAccess,
    shares: {
      send: () => {
        const outcome = new Promise<ShareOutcome>((resolve) => settle.push(resolve));
        return { accepted: Promise.resolve(), outcome };
      },
    },
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => {
      if (task.room !== undefined) rooms.push(task.room.buffer);
      return Promise.resolve(routeLines(task));
    },
  });
  const write = () => writer.write({ ...ownRequest, body: new TextEncoder().encode('m f=1 1') });
  const first = write();
  await new Promise(setImmediate);
  const second = write();
  await new Promise(setImmediate);
  settle[0]?.({ kind: 'written', receipt });
  await first;
  await new Promise(setImmediate);
  const third = write();
  await new Promise(setImmediate);
  // A copy that is lost is over too, and so is a body that has no points.
  settle[1]?.({ kind: 'lost', error: new Error('gone') });
  await expect(second).rejects.toThrow('write failed');
  await expect(writer.write({ ...ownRequest, body: new TextEncoder().encode('bad') })).rejects.toThrow('unable to parse'); // prettier-ignore
  settle[2]?.({ kind: 'written', receipt });
  await third;
  const [a, b] = rooms;
  expect(rooms.map((room) => (room === a ? 'a' : room === b ? 'b' : 'other')).join()).toBe('a,b,a,b'); // prettier-ignore
});

test('points writer: bodies that were written as one count each by itself, those that were not go on', async () => {
  const { writer, sent } = joinedWriter();
  const texts = ['m f=1,g=2 1\nm f=1 2', '# nothing', 'm f=1 3'];
  const counted: unknown[] = [];
  const write = (text: string) =>
    writer.write({ ...ownRequest, body: new TextEncoder().encode(text), counted: (points) => counted.push(points) }); // prettier-ignore
  await Promise.all(texts.map(write));
  expect(sent.joined).toEqual(['m f=1,g=2 1\nm f=1 2\n# nothing\nm f=1 3\n']);
  const okCounts = [[2, 3], [0, 0], [1, 1]].map(([okCount, okValueCount]) => ({ okCount, okValueCount, droppedCount: 0, failedCount: 0 })); // prettier-ignore
  expect(counted).toEqual(okCounts);
  const [{ values } = { values: {} }] = writer.statistics();
  expect(values).toMatchObject({ req: 3, writeOk: 2, pointReq: 3, pointReqLocal: 3, pointsWrittenOK: 3, valuesWrittenOK: 4, subWriteOk: 3 }); // prettier-ignore
  sent.isRefusing = true;
  await Promise.all(['m f=1 4', 'm f=1 5'].map(write));
  await expect(write('bad')).rejects.toThrow('unable to parse');
  expect(sent.alone).toEqual(['m f=1 4', 'm f=1 5', 'bad']);
  expect(counted).toHaveLength(5);
});

/** A writer whose worker writes bodies as one, until it refuses to. */
function joinedWriter() {
  const sent = { joined: [] as string[], alone: [] as string[], isRefusing: false };
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const ticking = { ...clock, monotonicMs: () => 0, sleep: () => Promise.resolve() } as unknown as Clock; // prettier-ignore
  const writer = new PointsWriter({
    ...parting,
    clock: ticking,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    meta: { catalog: { databases: Databases.of([database]) } } as unknown as MetaAccess,
    shares: { send: () => ({ accepted: Promise.resolve(), outcome: Promise.resolve({ kind: 'written', receipt: { droppedCount: 0, reason: '' } }) }) }, // prettier-ignore
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    isOwnAlone: () => true,
    routeLines: (task) => {
      sent.alone.push(text(task.body));
      return Promise.resolve(routeLines(task));
    },
    writeJoined: ({ text: bytes, table }) => {
      if (sent.isRefusing) return Promise.resolve(undefined);
      sent.joined.push(text(bytes));
      for (const [i, [lines, values]] of [
        [2, 3],
        [0, 0],
        [1, 1],
      ].entries())
        table.set([lines ?? 0, values ?? 0], i * joinedEntryWords + 1);
      return Promise.resolve({ shardId: 3, pointCount: 3 });
    },
  });
  return { writer, sent };
}

test('writes: a node that does not know its catalog, or is of no cluster yet, has clients try again, and not drop what they have', async () => {
  const unknown = await write('m v=1 5', undefined, true, {
    databases: Databases.of([]),
    index: 0,
  });
  expect(unknown.text).toBe('DbError: meta service unavailable');
  const missing = await write('m v=1 5', undefined, true, {
    databases: Databases.of([]),
    index: 9,
  });
  expect(missing.text).toBe('DbError: database not found: "d"');
});
