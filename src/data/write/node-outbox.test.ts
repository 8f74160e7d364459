import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import { noHints, type HintSink } from './hint-sink.ts';
import { LocalOutbox } from './local-outbox.ts';
import { NodeOutbox, outboxLimits, type OutboxLimits } from './node-outbox.ts';
import { SettledCalls } from './settled-calls.ts';
import type { Share } from './share.ts';

function batchOf(shardId: number, name: number, lengthBytes = 1): ShardBatch {
  const payload = new Uint8Array(lengthBytes).fill(name);
  return { shardId, database: 'd', retentionPolicy: 'autogen', payload };
}

/** shard:name of each batch, as the tests speak of them. */
const namesOf = (batches: readonly ShardBatch[]): readonly string[] =>
  batches.map(({ shardId, payload }) => `${shardId}:${payload[0]}`);

const written: BatchOutcome = { kind: 'written', droppedCount: 0, reason: '' };
const away = new DbError('unavailable', 'away');

/** A peer that answers when told; what it was called with is in `calls`. */
class HandPeer {
  readonly calls: string[][] = [];
  readonly #answers: Latch<readonly BatchOutcome[]>[] = [];
  readonly #sizes: number[] = [];

  readonly deliver = (batches: readonly ShardBatch[]): Promise<readonly BatchOutcome[]> => {
    this.calls.push([...namesOf(batches)]);
    const answer = new Latch<readonly BatchOutcome[]>();
    this.#answers.push(answer);
    this.#sizes.push(batches.length);
    return answer.promise;
  };

  async answer(call: number, outcome: BatchOutcome = written): Promise<void> {
    this.#answers[call]?.open(Array.from({ length: this.#sizes[call] ?? 0 }, () => outcome));
    await settle();
  }

  async fail(call: number): Promise<void> {
    this.#answers[call]?.fail(away);
    await settle();
  }
}

/** Hints that are kept in memory; a shard is queued from its first one on. */
class MemoryHints implements HintSink {
  readonly kept: string[] = [];
  readonly #shards = new Set<number>();

  isQueued(shardId: number): boolean {
    return this.#shards.has(shardId);
  }

  /** While what is left is being brought. */
  ending: Latch<undefined> | undefined;

  closing(): Promise<void> | undefined {
    return this.ending?.promise;
  }

  enqueue(batches: readonly ShardBatch[], error: unknown) {
    for (const { shardId } of batches) this.#shards.add(shardId);
    this.kept.push(...namesOf(batches));
    return Promise.resolve({ kind: 'queued', error } as const);
  }

  drain(): void {
    this.#shards.clear();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

const settled = new SettledCalls({ nodeId: () => 1, run: 1 });

async function kindOf({ outcome }: Share): Promise<string> {
  const settled = await Promise.race([outcome, settle().then(() => undefined)]);
  return settled?.kind ?? 'pending';
}

function outbox(limits: Partial<OutboxLimits> = {}, hints: HintSink = noHints) {
  const peer = new HandPeer();
  const box = new NodeOutbox(
    { deliver: peer.deliver, hints, settled },
    { ...outboxLimits, ...limits },
  );
  return { peer, box };
}

test('node outbox: what comes while a call is under way goes with the next one, in order', async () => {
  const { peer, box } = outbox();
  const shares = [1, 2, 3, 4].map((name) => box.send(batchOf(7, name)));
  expect(peer.calls).toEqual([['7:1']]);
  await peer.answer(0);
  expect(peer.calls).toEqual([['7:1'], ['7:2', '7:3', '7:4']]);
  expect(await Promise.all(shares.map(kindOf))).toEqual(['written', 'pending', 'pending', 'pending']); // prettier-ignore
  await peer.answer(1);
  expect(await Promise.all(shares.map(kindOf))).toEqual(['written', 'written', 'written', 'written']); // prettier-ignore
  expect(box.queuedBytes).toBe(0);
});

test('node outbox: three hundred shards of a body travel in few calls, and one shard in one at a time', async () => {
  const { peer, box } = outbox({ callsMax: 2 });
  for (let shard = 1; shard <= 300; shard++) box.send(batchOf(shard, 1));
  expect(peer.calls).toHaveLength(2);
  await peer.answer(0);
  expect(peer.calls.map((call) => call.length)).toEqual([1, 1, 298]);
  box.send(batchOf(2, 2));
  expect(peer.calls).toHaveLength(3);
  await peer.answer(2);
  expect(peer.calls).toHaveLength(3);
  await peer.answer(1);
  expect(peer.calls.at(-1)).toEqual(['2:2']);
});

test('node outbox: a call has at most so many bytes, but for a batch that is larger alone', async () => {
  const { peer, box } = outbox({ callBytesMax: 10, callsMax: 1 });
  for (const [name, lengthBytes] of [[1, 1], [2, 6], [3, 6], [4, 4], [5, 25]] as const) box.send(batchOf(name % 2, name, lengthBytes)); // prettier-ignore
  await peer.answer(0);
  await peer.answer(1);
  await peer.answer(2);
  await peer.answer(3);
  expect(peer.calls.flat().sort()).toEqual(['0:2', '0:4', '1:1', '1:3', '1:5']);
  expect(peer.calls.length).toBeGreaterThan(2);
});

test('node outbox: past its memory it accepts no more until there is room', async () => {
  const { peer, box } = outbox({ queueBytesMax: 10 });
  const first = box.send(batchOf(1, 1, 8));
  const second = box.send(batchOf(1, 2, 8));
  const isAccepted = async ({ accepted }: Share) =>
    (await Promise.race([accepted.then(() => true), settle().then(() => false)])) satisfies boolean;
  expect([await isAccepted(first), await isAccepted(second)]).toEqual([true, false]);
  await peer.answer(0);
  expect(await isAccepted(second)).toBe(true);
  expect(peer.calls).toEqual([['1:1'], ['1:2']]);
});

test('node outbox: what a call may not have brought is queued, and what comes later follows it', async () => {
  const hints = new MemoryHints();
  const { peer, box } = outbox({}, hints);
  const shares = [1, 2].map((name) => box.send(batchOf(7, name)));
  const other = box.send(batchOf(8, 3));
  await peer.fail(0);
  expect(hints.kept).toEqual(['7:1', '7:2']);
  expect(await Promise.all(shares.map(kindOf))).toEqual(['queued', 'queued']);
  await peer.answer(1);
  expect(await kindOf(other)).toBe('written');
  hints.drain();
  const later = box.send(batchOf(7, 4));
  await peer.answer(2);
  expect(await kindOf(later)).toBe('written');
});

test.each([
  { end: 'empty', kinds: ['written', 'written'], kept: ['7:1'] },
  { end: 'not to be', kinds: ['queued', 'queued'], kept: ['7:1', '7:2', '7:3'] },
])(
  'node outbox: while the last of a queue is brought a shard waits for it to be $end, others do not',
  async ({ end, kinds, kept }) => {
    const hints = new MemoryHints();
    const { peer, box } = outbox({}, hints);
    box.send(batchOf(7, 1));
    await peer.fail(0);
    const ending = new Latch<undefined>();
    hints.ending = ending;
    const held = [box.send(batchOf(7, 2)), box.send(batchOf(7, 3))];
    const other = box.send(batchOf(8, 4));
    await peer.answer(1);
    expect(await kindOf(other)).toBe('written');
    expect(await Promise.all(held.map(kindOf))).toEqual(['pending', 'pending']);
    expect(hints.kept).toEqual(['7:1']);
    hints.ending = undefined;
    if (end === 'empty') hints.drain();
    ending.open(undefined);
    await settle();
    if (end === 'empty') await peer.answer(2);
    expect(await Promise.all(held.map(kindOf))).toEqual(kinds);
    expect(hints.kept).toEqual(kept);
    expect(peer.calls.slice(2)).toEqual(end === 'empty' ? [['7:2', '7:3']] : []);
  },
);

test('node outbox: from the first of a shard that failed on all are queued, those too that were written', async () => {
  const hints = new MemoryHints();
  const box = new NodeOutbox({
    ...{ hints, settled },
    deliver: (batches) =>
      Promise.resolve(
        batches.map(({ payload }) =>
          payload[0] === 2 ? { kind: 'failed', error: away } : written,
        ),
      ),
  });
  const shares = [1, 2, 3].map((name) => box.send(batchOf(7, name)));
  await settle();
  expect(await Promise.all(shares.map(kindOf))).toEqual(['written', 'queued', 'written']);
  expect(hints.kept).toEqual(['7:2', '7:3']);
});

test('node outbox: what is wrong with the points themselves is not sent again', async () => {
  const hints = new MemoryHints();
  const { peer, box } = outbox({}, hints);
  const share = box.send(batchOf(7, 1));
  const error = new DbError('field_type_conflict', 'field type conflict');
  await peer.answer(0, { kind: 'failed', error });
  expect(await share.outcome).toEqual({ kind: 'lost', error });
  expect(hints.kept).toEqual([]);
});

test('local outbox: batches go to the engine at once; a failed one is queued, and so is what was sent after it', async () => {
  const hints = new MemoryHints();
  const answers: Latch<BatchOutcome>[] = [];
  const write = () => {
    const answer = new Latch<BatchOutcome>();
    answers.push(answer);
    return answer.promise;
  };
  const box = new LocalOutbox({ write, hints });
  const shares = [1, 2].map((name) => box.send(batchOf(7, name)));
  expect(answers).toHaveLength(2);
  answers[0]?.open({ kind: 'failed', error: new DbError('disk_full', 'full') });
  await settle();
  answers[1]?.open(written);
  await settle();
  const third = box.send(batchOf(7, 3));
  expect(await Promise.all([...shares, third].map(kindOf))).toEqual(['queued', 'written', 'queued']); // prettier-ignore
  expect(hints.kept).toEqual(['7:1', '7:2', '7:3']);
  expect(answers).toHaveLength(2);
});

test('local outbox: past its memory it accepts no more until there is room', async () => {
  const answers: Latch<BatchOutcome>[] = [];
  const write = () => {
    const answer = new Latch<BatchOutcome>();
    answers.push(answer);
    return answer.promise;
  };
  const box = new LocalOutbox({ write, hints: noHints }, 10);
  box.send(batchOf(7, 1, 8));
  box.send(batchOf(7, 2, 8));
  expect(answers).toHaveLength(1);
  answers[0]?.open(written);
  await settle();
  expect(answers).toHaveLength(2);
});
