/**
 * Copies of shards that are being brought to this node. A copy is begun by the meta leader's call, goes on when nobody
 * listens, and tells whoever asks again how far it is, or that it is whole.
 */
import { DbError, errorText } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import type { CopyProgress } from '../../meta/client/transfer-methods.ts';
import { copyTo } from '../../meta/model/shard-copies.ts';
import { CopyJob, type CopyJobPorts } from './copy-job.ts';

interface Running {
  readonly job: CopyJob;
  readonly done: Promise<void>;
  isWhole: boolean;
  /** For its turn. */
  isWaiting: boolean;
  /** Of the last look, for the rate. */
  lastMs: number;
  lastBytes: number;
  bytesPerSecond: number;
}

export interface CopiesOptions {
  /** Of this node at once; more wait for their turn. */
  readonly concurrentMax: number;
}

const reportMs = 1_000;

export class Copies {
  readonly #ports: CopyJobPorts;
  readonly #options: CopiesOptions;
  /** By shard: there is one copy of it to a node at most. One that has ended stays until it is asked for. */
  readonly #running = new Map<number, Running>();
  readonly #waiting: Latch<undefined>[] = [];
  #activeCount = 0;

  constructor(ports: CopyJobPorts, options: CopiesOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** How far each is. */
  get progress(): readonly CopyProgress[] {
    return [...this.#running.values()].map((one) => this.#progressOf(one));
  }

  /** How far one is, each second, until it is whole. Throws what it failed with, `cancelled` when it was given up. */
  async *follow(
    { shardId, copyIndex }: { readonly shardId: number; readonly copyIndex: number },
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly progress: CopyProgress; readonly isWhole: boolean }> {
    const running = this.#find(shardId, copyIndex);
    for (;;) {
      yield { progress: this.#progressOf(running), isWhole: running.isWhole };
      if (running.isWhole) return;
      await Promise.race([running.done, this.#ports.clock.sleep(reportMs, signal)]);
    }
  }

  /** Resolves once nothing of it is under way any more. */
  async cancel(shardId: number): Promise<void> {
    const running = this.#running.get(shardId);
    running?.job.cancel();
    await running?.done.catch(() => undefined);
    this.#running.delete(shardId);
  }

  async close(): Promise<void> {
    for (const shardId of [...this.#running.keys()]) await this.cancel(shardId);
  }

  #find(shardId: number, copyIndex: number): Running {
    const { meta } = this.#ports;
    const copy = copyTo(meta.catalog, shardId, meta.nodeId);
    if (copy?.beganIndex !== copyIndex)
      throw new DbError('cancelled', `the copy of shard ${shardId} was given up`);
    const known = this.#running.get(shardId);
    if (known?.job.copy.beganIndex === copyIndex) return known;
    known?.job.cancel();
    const isWanted = (): boolean => copyTo(meta.catalog, shardId, meta.nodeId)?.beganIndex === copyIndex; // prettier-ignore
    const job = new CopyJob(this.#ports, { ...copy, isWanted });
    const done = this.#run(job, known?.done, () => {
      running.isWaiting = false;
    });
    const lastMs = this.#ports.clock.monotonicMs();
    const running: Running = { job, done, isWhole: false, isWaiting: true, lastMs, lastBytes: 0, bytesPerSecond: 0 }; // prettier-ignore
    this.#running.set(shardId, running);
    done.then(
      () => {
        running.isWhole = true;
      },
      (error: unknown) => {
        this.#ports.log.warn('A copy of a shard has failed', { shard: shardId, error: errorText(error) }); // prettier-ignore
        // Whoever asks again begins it anew.
        if (this.#running.get(shardId) === running) this.#running.delete(shardId);
      },
    );
    return running;
  }

  /** One of the shard that was given up has to be over first. */
  async #run(job: CopyJob, before: Promise<void> | undefined, onTurn: () => void): Promise<void> {
    await before?.catch(() => undefined);
    await this.#enter(job.signal);
    onTurn();
    try {
      await job.run();
    } finally {
      this.#leave();
    }
    const { shardId } = job.copy;
    this.#ports.log.info('A shard was copied to this node', { shard: shardId, bytes: job.doneBytes }); // prettier-ignore
  }

  /** Throws the reason of the signal for whoever has no turn yet: one that was given up does not wait for the others. */
  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#activeCount < this.#options.concurrentMax) {
      this.#activeCount++;
      return;
    }
    const turn = new Latch<undefined>();
    this.#waiting.push(turn);
    const leave = (): void => {
      const at = this.#waiting.indexOf(turn);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      turn.fail(signal.reason);
    };
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    await turn.promise;
  }

  /** The next one has the place of the one that leaves. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#activeCount--;
    else next.open(undefined);
  }

  #progressOf(running: Running): CopyProgress {
    const { job } = running;
    const nowMs = this.#ports.clock.monotonicMs();
    const { totalBytes, doneBytes } = job;
    if (nowMs - running.lastMs >= reportMs) {
      const bytes = Math.max(0, doneBytes - running.lastBytes);
      running.bytesPerSecond = Math.round((bytes * 1_000) / (nowMs - running.lastMs));
      running.lastMs = nowMs;
      running.lastBytes = doneBytes;
    }
    const { shardId, beganIndex: copyIndex } = job.copy;
    const { bytesPerSecond, isWaiting } = running;
    return { shardId, copyIndex, totalBytes, doneBytes, bytesPerSecond, isWaiting };
  }
}
