import { expect, test } from 'vitest';
import { hintOf as payloadOf, numberOf } from '../../../test/support/hint-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { DeliveryOutcome, HintTarget } from '../../hh/hint-target.ts';
import { HintedHandoff } from '../../hh/hinted-handoff.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import { NodeHintSink } from './node-hint-sink.ts';
import { SettledCalls } from './settled-calls.ts';
import { LocalOutbox } from './local-outbox.ts';
import { NodeOutbox } from './node-outbox.ts';

const options = { folder: 'hh', isEnabled: true, sizeBytesMax: 10_000_000, ageMsMax: 600_000, pendingMax: 1_000, batchBytesMax: 5_000, concurrencyMax: 4, rateBytes: 0, retryMs: 1_000, retryMsMax: 4_000, purgeMs: 60_000, mayOvertake: false, segmentBytesMax: 100_000, deadlineMs: 5_000 }; // prettier-ignore
/** A write comes so often, the owner takes one so fast, and the disk of the coordinator takes 20 to 60 ms for one. */
const writeEachMs = 5;
const callMs = 10;
const diskSlowness = 40;

interface Options {
  readonly batchBytesMax?: number;
  readonly isFresh?: boolean;
  readonly isLocal?: boolean;
}

/** An owner, a steady writer, and hinted handoff between them. */
async function setting({ batchBytesMax = 5_000, isFresh = false, isLocal = false }: Options = {}) {
  const world = new World(1);
  const machine = world.addNode('a');
  const { clock, disk, log } = machine.env;
  const owner = { isDown: true, taken: [] as number[], callCount: 0 };
  const take = async (payloads: readonly Uint8Array[]): Promise<void> => {
    owner.callCount++;
    await clock.sleep(callMs);
    if (owner.isDown) throw new DbError('unavailable', 'refused');
    owner.taken.push(...payloads.map((one) => numberOf(one)));
  };
  const target: HintTarget = {
    standing: () => 'owner',
    deliver: async (_shard, payloads) => {
      await take(payloads.map((hint) => hint.subarray(-40)));
      return payloads.map((): DeliveryOutcome => ({ kind: 'written' }));
    },
    onQueued: () => undefined,
    onDropped: () => undefined,
    onDrained: () => undefined,
  };
  let number = 0;
  const ports = { disk, clock, log, target, clusterId: () => 1n, freshCount: () => (isFresh ? number : 0) }; // prettier-ignore
  const hints = await world.complete(HintedHandoff.open(ports, { ...options, batchBytesMax }));
  machine.drive.slowFactor = diskSlowness;
  const deliver = async (batches: readonly ShardBatch[]): Promise<readonly BatchOutcome[]> => {
    await take(batches.map(({ payload }) => payload));
    return batches.map(() => ({ kind: 'written', droppedCount: 0, reason: '' }));
  };
  const sink = new NodeHintSink({ hints, log, noteIndex: () => undefined }, 5);
  const write = async (batch: ShardBatch): Promise<BatchOutcome> => (await deliver([batch]))[0] ?? { kind: 'failed', error: undefined }; // prettier-ignore
  const outbox = isLocal
    ? new LocalOutbox({ hints: sink, write })
    : new NodeOutbox({ hints: sink, deliver, settled: new SettledCalls({ nodeId: () => 1, run: 1 }) }); // prettier-ignore
  const outcomes: string[] = [];
  clock.every(writeEachMs, () => {
    const at = number++;
    const batch = { shardId: 7, database: 'd', retentionPolicy: 'p', payload: payloadOf(at) };
    void outbox.send(batch).outcome.then(({ kind }) => (outcomes[at] = kind));
  });
  return { world, owner, hints, outcomes, sentCount: () => number };
}

test.each([
  ['another one', {}],
  ['clients of this node, who are given way', { isFresh: true }],
  // The owner takes six at a time, and four more come meanwhile: with rests behind each there were ever more.
  ['clients who write nearly as fast as it takes', { isFresh: true, batchBytesMax: 240 }],
  // As after a moment of a full disk.
  ['this node, for itself', { isLocal: true }],
])(
  'hinted handoff: a queue ends beside a writer that never rests, %s, and nothing is lost or out of order',
  async (_who, options: Options) => {
    const { world, owner, hints, outcomes, sentCount } = await setting(options);
    await world.run(world.nowMs + 2_000);
    expect(hints.isQueued(5, 7)).toBe(true);
    owner.isDown = false;
    await world.run(world.nowMs + 10_000);
    expect(hints.isEmpty).toBe(true);
    // Those of the last seconds went to the owner at once.
    expect(new Set(outcomes.slice(-500))).toEqual(new Set(['written']));
    const numbers = [...new Set(owner.taken)];
    // What a node has for itself it gives its engine at once: stamps say where it belongs.
    if (options.isLocal === true) numbers.sort((a, b) => a - b);
    expect(numbers.length).toBeGreaterThan(sentCount() - 20);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i));
  },
);

test('hinted handoff: an owner that goes while the last of its queue is brought holds no writer up', async () => {
  const { world, owner, hints, outcomes } = await setting();
  await world.run(world.nowMs + 500);
  owner.isDown = false;
  while (hints.closing(5, 7) === undefined) await world.run(world.nowMs + 1);
  owner.isDown = true;
  const sent = outcomes.length;
  await world.run(world.nowMs + 3_000);
  expect(hints.closing(5, 7)).toBeUndefined();
  expect(hints.isQueued(5, 7)).toBe(true);
  expect(outcomes.length).toBeGreaterThan(sent + 400);
});
