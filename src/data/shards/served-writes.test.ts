import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { BatchOutcome, ShardBatch, WriteCall } from '../engine/shard-access.ts';
import { ServedWrites } from './served-writes.ts';

const call: WriteCall = { nodeId: 4, run: 7, number: 1, settledBelow: 1 };
const written: BatchOutcome = { kind: 'written', droppedCount: 0, reason: '' };

function batchOf(lengthBytes: number, shardId = 1): ShardBatch {
  return { shardId, database: 'db', retentionPolicy: 'rp', payload: new Uint8Array(lengthBytes).fill(9) }; // prettier-ignore
}

/** An engine that answers once it is told to. */
class Engine {
  readonly payloads: Uint8Array[] = [];
  readonly answers: Latch<readonly BatchOutcome[]>[] = [];
  /** Gives memory back that other owners were waited for. */
  readonly held: (() => void)[] = [];
  holds = false;
  readonly writes = new ServedWrites({
    shards: {
      writeMany: (batches) => {
        this.payloads.push(...batches.map(({ payload }) => payload));
        const answer = new Latch<readonly BatchOutcome[]>();
        this.answers.push(answer);
        return answer.promise;
      },
    },
    places: {
      placed: (batch) =>
        batch.shardId === 1 ? Promise.resolve(batch) : Promise.reject(new DbError('shard_not_found', 'elsewhere')), // prettier-ignore
    },
    unsettled: {
      heard: () => undefined,
      hold: (_call, _batch, release) => {
        if (this.holds) this.held.push(release);
        return this.holds;
      },
    },
  });

  /** Of one that is answered at once. */
  async write(outcomes: readonly BatchOutcome[], batches = [batchOf(2_000)], by?: WriteCall) {
    const writing = this.writes.write(batches, by);
    await this.#reached();
    this.answers.shift()?.open(outcomes);
    return writing;
  }

  async begin(lengthBytes: number): Promise<{ readonly over: Promise<unknown> }> {
    const over = this.writes.write([batchOf(lengthBytes)]);
    await this.#reached();
    return { over };
  }

  async #reached(): Promise<void> {
    while (this.answers.length === 0) await Promise.resolve();
  }

  get lent(): number {
    return new Set(this.payloads.map(({ buffer }) => buffer)).size;
  }
}

test('served writes: the memory of a batch is used again, once other owners need it no more', async () => {
  const engine = new Engine();
  await engine.write([written]);
  await engine.write([{ kind: 'failed', error: new DbError('disk_full', 'full') }], undefined, call); // prettier-ignore
  await engine.write([written], undefined, call);
  expect(engine.lent).toBe(1);
  engine.holds = true;
  await engine.write([written], undefined, call);
  await engine.write([written]);
  expect(engine.lent).toBe(2);
  for (const release of engine.held) release();
  await engine.write([written], [batchOf(2_000), batchOf(2_000)]);
  expect(engine.lent).toBe(2);
});

test('served writes: each batch has its own outcome, and one that none came for may have been written', async () => {
  const engine = new Engine();
  const batches = [batchOf(10, 2), batchOf(10), batchOf(10), batchOf(10), batchOf(10)];
  const failed = (error: unknown): BatchOutcome => ({ kind: 'failed', error });
  expect(await engine.write([written, failed(new DbError('disk_full', 'full')), failed(new Error('odd'))], batches)).toEqual([
    { kind: 'failed', code: 'shard_not_found', text: 'elsewhere' },
    written,
    { kind: 'failed', code: 'disk_full', text: 'full' },
    { kind: 'failed', code: 'internal', text: 'odd' },
    { kind: 'failed', code: 'outcome_unknown', text: 'a batch has no outcome' },
  ]); // prettier-ignore
});

test('served writes: what waits for the engine is bounded, but for one alone', async () => {
  const engine = new Engine();
  const { over } = await engine.begin(1_000);
  await expect(engine.writes.write([{ ...batchOf(0), payload: new Uint8Array(256 * MiB - 999) }])).rejects.toMatchObject({ code: 'queue_full' }); // prettier-ignore
  // As much as may be.
  const more = engine.writes.write([batchOf(1_000, 2)]);
  expect(await more).toMatchObject([{ code: 'shard_not_found' }]);
  engine.answers.shift()?.open([written]);
  await over;
  const alone = { ...batchOf(0, 2), payload: new Uint8Array(256 * MiB + 1) };
  expect(await engine.writes.write([alone])).toMatchObject([{ code: 'shard_not_found' }]);
  expect(await engine.writes.write([alone])).toMatchObject([{ code: 'shard_not_found' }]);
});
