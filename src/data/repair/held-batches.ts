/**
 * Batches of which this node is in doubt (unclear-writes.ts), on its disk too: one that is started anew before it could ask the other owners asks them then.
 *
 * Invariants:
 * - The file is replaced as a whole, behind the batches: nobody waits for it but who closes it. What is lost of the last moments is in doubt for good.
 * - Its disk has ten times as long for others as it took.
 * - It speaks of the cluster that it was written in.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import { readCheckedLine, writeCheckedLine } from '../../codec/checked-line.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import type { ShardBatch } from '../engine/shard-access.ts';

export interface HeldBatchesPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly disk: Disk;
  readonly log: Log;
  readonly clusterId: () => bigint;
}

interface HeldFile {
  readonly clusterId: string;
  /** With payloads in base64. */
  readonly batches: readonly (Omit<ShardBatch, 'payload'> & { readonly payload: string })[];
}

const restShare = 10;

export class HeldBatches {
  readonly #ports: HeldBatchesPorts;
  readonly #path: string;
  readonly #tasks: Tasks;
  readonly #closing = new AbortController();
  /** What is to be written next. */
  #next: readonly ShardBatch[] | undefined;
  #isWriting = false;

  constructor(ports: HeldBatchesPorts, path: string) {
    this.#ports = ports;
    this.#path = path;
    this.#tasks = new Tasks((name, error) => {
      ports.log.warn('Late values in doubt could not be noted', { name, error: errorText(error) });
    });
  }

  /** What the run before has left; none where the file is not what it wrote. */
  async read(): Promise<readonly ShardBatch[]> {
    const found = (await readCheckedLine(this.#ports, this.#path)) as HeldFile | undefined;
    if (found?.clusterId !== String(this.#ports.clusterId())) return [];
    return found.batches.map(({ payload, ...place }) => ({ ...place, payload: new Uint8Array(Buffer.from(payload, 'base64')) })); // prettier-ignore
  }

  /** From now on these are all. */
  save(batches: readonly ShardBatch[]): void {
    this.#next = batches;
    if (!this.#isWriting) this.#tasks.spawn('write', this.#write());
  }

  /** Resolves once the last of them are on the disk. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#tasks.settled();
  }

  async #write(): Promise<void> {
    const { clock } = this.#ports;
    this.#isWriting = true;
    try {
      while (this.#next !== undefined) {
        const batches = this.#next;
        this.#next = undefined;
        const startMs = clock.monotonicMs();
        await this.#replace(batches);
        const restMs = (clock.monotonicMs() - startMs) * restShare;
        await clock.sleep(restMs, this.#closing.signal).catch(() => undefined);
      }
    } finally {
      this.#isWriting = false;
    }
  }

  async #replace(batches: readonly ShardBatch[]): Promise<void> {
    const { disk, clusterId } = this.#ports;
    if (batches.length === 0) {
      await disk.remove(this.#path);
      return;
    }
    const file: HeldFile = {
      clusterId: String(clusterId()),
      batches: batches.map(({ shardId, database, retentionPolicy, payload }) => ({
        ...{ shardId, database, retentionPolicy },
        payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64'),
      })),
    };
    await writeCheckedLine(disk, this.#path, file);
  }
}
