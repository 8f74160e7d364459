import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { MiB } from '../../base/units.ts';
import type {
  BatchOutcome,
  NamedShard,
  ShardAccess,
  ShardBatch,
  WriteCall,
} from '../engine/shard-access.ts';
import type { WireOutcome } from './shard-methods.ts';
import type { UnsettledWrites } from './unsettled-writes.ts';

export interface ServedWritesPorts {
  readonly shards: Pick<ShardAccess, 'writeMany'>;
  readonly places: {
    /** The shard as the catalog places it. Throws `shard_not_found`, `invalid_argument`, `unavailable`. */
    placed(batch: ShardBatch): Promise<NamedShard>;
  };
  readonly unsettled: Pick<UnsettledWrites, 'heard' | 'hold'>;
}

/** How long a node that serves a remote request may take over its own part; the caller's deadline ends it sooner. */
export const servedDeadlineMs = 3_600_000;
/** Writes of other nodes that wait here for the engine: past it their coordinators keep what they have. */
const servedBytesMax = 256 * MiB;
/** Of batches that have been written, kept for those that come: what a busy coordinator has under way. */
const batchBytesKeptMax = 32 * MiB;

export const noOutcome: WireOutcome = { kind: 'failed', code: 'outcome_unknown', text: 'a batch has no outcome' }; // prettier-ignore

/** Writes what other nodes sent, whether or not they still wait for the answer: no owner drops what it was sent. */
export class ServedWrites {
  readonly #ports: ServedWritesPorts;
  readonly #buffers = new SharedBuffers(batchBytesKeptMax);
  #servedBytes = 0;

  constructor(ports: ServedWritesPorts) {
    this.#ports = ports;
  }

  /** With the `call` of a coordinator that says what has become of its copies. Throws `queue_full`. */
  async write(batches: readonly ShardBatch[], call?: WriteCall): Promise<readonly WireOutcome[]> {
    if (call !== undefined) this.#ports.unsettled.heard(call);
    const lengthBytes = batches.reduce((sum, { payload }) => sum + payload.length, 0);
    if (this.#servedBytes > 0 && this.#servedBytes + lengthBytes > servedBytesMax)
      throw new DbError('queue_full', `${this.#servedBytes} bytes of writes wait for the engine`);
    this.#servedBytes += lengthBytes;
    try {
      return await this.#write(batches, call);
    } finally {
      this.#servedBytes -= lengthBytes;
    }
  }

  async #write(
    batches: readonly ShardBatch[],
    call: WriteCall | undefined,
  ): Promise<readonly WireOutcome[]> {
    const { places, shards } = this.#ports;
    const outcomes: WireOutcome[] = [];
    const placed: { readonly at: number; readonly batch: ShardBatch }[] = [];
    // Beside each other: a catalog that is waited for is so once for all of them.
    const found = await Promise.allSettled(batches.map((batch) => places.placed(batch)));
    for (const [at, batch] of batches.entries()) {
      const place = found[at];
      if (place?.status === 'fulfilled')
        // A view of the message would take all of it along to the worker, and lies anyhow; shared memory crosses as it is.
        placed.push({
          at,
          batch: { ...batch, ...place.value, payload: this.#lend(batch.payload) },
        });
      else outcomes[at] = wireOutcome({ kind: 'failed', error: place?.reason });
    }
    if (placed.length === 0) return outcomes;
    const all = placed.map(({ batch }) => batch);
    const results = await shards.writeMany(all, { deadlineMs: servedDeadlineMs });
    for (const [i, { at, batch }] of placed.entries()) {
      const result = results[i];
      outcomes[at] = result === undefined ? noOutcome : wireOutcome(result);
      this.#end(batch, result?.kind === 'written' ? call : undefined);
    }
    return outcomes;
  }

  /** Its memory is used again, now or once the other owners have what was written. */
  #end(batch: ShardBatch, call: WriteCall | undefined): void {
    const release = (): void => {
      this.#buffers.giveBack(batch.payload);
    };
    if (call === undefined || !this.#ports.unsettled.hold(call, batch, release)) release();
  }

  #lend(payload: Uint8Array): Uint8Array {
    const lent = this.#buffers.lend(payload.length).subarray(0, payload.length);
    lent.set(payload);
    return lent;
  }
}

function wireOutcome(outcome: BatchOutcome): WireOutcome {
  if (outcome.kind === 'written') return outcome;
  const { error } = outcome;
  const code = isDbError(error) ? error.code : 'internal';
  return { kind: 'failed', code, text: errorText(error) };
}
