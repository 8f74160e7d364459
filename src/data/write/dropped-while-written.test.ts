import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Command } from '../../meta/command/command.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { partBatch } from '../engine/lines/part-batch.ts';
import { routeLines } from '../engine/lines/route-lines.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import type { ConsistencyLevel } from './consistency.ts';
import { PointsWriter } from './points-writer.ts';
import type { ShareOutcome } from './share.ts';
import { StampClock } from './stamp-clock.ts';

const clock = {
  wallNs: () => 2_000n,
  monotonicMs: () => 0,
  after: () => ({ cancel: () => undefined }),
} as unknown as Clock;
const written: ShareOutcome = { kind: 'written', receipt: { droppedCount: 0, reason: '' } };
const gone: ShareOutcome = { kind: 'gone', error: new DbError('shard_not_found', 'shard 3 was dropped') }; // prettier-ignore

const givenUp: ShareOutcome = { kind: 'queued', error: new DbError('shard_not_found', 'shard 3 is not on this node') }; // prettier-ignore
const failed: ShareOutcome = { kind: 'queued', error: new DbError('unavailable', 'connection refused') }; // prettier-ignore

interface Group {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly shardId: number;
  readonly owners: readonly number[];
}

function catalogOf(groups: readonly Group[], durationNs = 0n): Catalog {
  const shardGroups = groups.map(({ startNs, endNs, shardId, owners }, i) => ({ id: i + 1, startNs, endNs, shards: [{ id: shardId, owners }] })); // prettier-ignore
  const policy = { name: 'p', durationNs, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n, shardGroupDurationNs: 500n, shardGroups }; // prettier-ignore
  const database = { name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [policy] };
  return { ...emptyCatalog, index: 1, maxShardId: 9, databases: Databases.of([database]) };
}

const whole = { startNs: 0n, endNs: 2_000n, shardId: 3, owners: [1, 2] };
const halves = [
  { startNs: 0n, endNs: 500n, shardId: 4, owners: [1, 2] },
  { startNs: 500n, endNs: 1_000n, shardId: 5, owners: [2] },
];

/** Owners 1 and 2 say `answers` of shard 3, and take all else; the catalog becomes `after` with their answer. */
function coordinator(answers: readonly ShareOutcome[], after: Catalog, made = after) {
  const meta = {
    nodeId: 7,
    catalog: catalogOf([whole]),
    execute: ({ kind }: Command) => {
      if (kind === 'create-shard-groups') meta.catalog = made;
      return Promise.resolve(undefined);
    },
  };
  const sent: string[] = [];
  const send = (owner: number, { shardId, payload }: ShardBatch) => {
    sent.push(`${shardId} to ${owner}: ${new DataView(payload.buffer, payload.byteOffset).getUint32(4, true)}`); // prettier-ignore
    const isFirst = shardId === 3;
    if (isFirst) meta.catalog = after;
    const outcome = isFirst && sent.length <= 2 ? (answers[owner - 1] ?? written) : written;
    return { accepted: Promise.resolve(), outcome: Promise.resolve(outcome) };
  };
  const writer = new PointsWriter({
    ...{ clock, meta: meta, shares: { send } },
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => Promise.resolve(routeLines(task)),
    partBatch: (task) => Promise.resolve(partBatch(task)),
  });
  const write = (level: ConsistencyLevel) => {
    const body = new TextEncoder().encode('m f=1 1\nm f=2 499\nm f=3 700');
    return writer.write({ database: 'd', retentionPolicy: '', stepNs: 1n, level, timeoutMs: 1_000, body }); // prettier-ignore
  };
  return { write, sent: () => sent.map((one) => one.split(':')[0]) };
}

test.each<[ConsistencyLevel, readonly ShareOutcome[]]>([
  ['one', [gone, gone]],
  ['any', [gone, gone]],
  ['all', [written, gone]],
])(
  'points writer: a shard that is dropped while it is written to at %s gets its points mapped anew',
  async (level, answers) => {
    const { write, sent } = coordinator(answers, catalogOf(halves));
    await write(level);
    expect(sent()).toEqual(['3 to 1', '3 to 2', '4 to 1', '4 to 2', '5 to 2']);
  },
);

test('points writer: shard groups are made for what was in a shard that is dropped', async () => {
  const { write, sent } = coordinator([gone, gone], catalogOf([]), catalogOf(halves));
  await write('one');
  expect(sent()).toEqual(['3 to 1', '3 to 2', '4 to 1', '4 to 2', '5 to 2']);
});

test('points writer: who has its copy before the shard is dropped is one of the level', async () => {
  const { write, sent } = coordinator([written, gone], catalogOf(halves));
  await write('one');
  expect(sent()).toEqual(['3 to 1', '3 to 2']);
});

test('points writer: a shard that is given up by its owner while it is written to is written to where it is', async () => {
  const { write, sent } = coordinator([givenUp, givenUp], catalogOf([{ ...whole, owners: [6] }]));
  await write('one');
  expect(sent()).toEqual(['3 to 1', '3 to 2', '3 to 6']);
  // It is kept for the owners of now.
  const queued = coordinator([givenUp, givenUp], catalogOf([{ ...whole, owners: [6] }]));
  await queued.write('any');
  expect(queued.sent()).toEqual(['3 to 1', '3 to 2']);
});

test.each<[string, ConsistencyLevel, readonly ShareOutcome[]]>([
  ['has its copy', 'all', [written, givenUp]],
  ['has it not', 'one', [failed, givenUp]],
])(
  'points writer: a shard of which one owner gives up its copy is written to the other, which %s',
  async (_what, level, answers) => {
    const { write, sent } = coordinator(answers, catalogOf([{ ...whole, owners: [1] }]));
    await write(level);
    expect(sent()).toEqual(['3 to 1', '3 to 2', '3 to 1']);
  },
);

test('points writer: a shard that is without an owner meanwhile is named as one', async () => {
  const { write } = coordinator([givenUp, givenUp], catalogOf([{ ...whole, owners: [] }]));
  await expect(write('one')).rejects.toThrow('write failed: shard 3 has no owner');
});

test('points writer: what is beyond the policy by then is told of, and a database that is gone as one', async () => {
  const { write } = coordinator([gone, gone], catalogOf(halves, 1_500n));
  await expect(write('one')).rejects.toThrow(/^partial write: dropped 2 points outside retention policy .* dropped=2 for database: d for retention policy: p$/); // prettier-ignore
  const dropped = { ...emptyCatalog, index: 2, maxShardId: 9 };
  await expect(coordinator([gone, gone], dropped).write('one')).rejects.toMatchObject({ code: 'database_not_found' }); // prettier-ignore
});

test('points writer: of a shard that is there as it was an owner that does not find it fails the write', async () => {
  const { write } = coordinator([gone, gone], catalogOf([whole]));
  await expect(write('one')).rejects.toThrow('write failed: shard 3 was dropped');
});
