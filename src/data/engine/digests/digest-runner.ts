/** Makes the digests of a shard, and what else its owners compare (digest-streams.ts), on the worker that has it. */
import type { EngineContext, EnginePorts, EngineReply } from '../../../env/engine-host.ts';
import { Slices } from '../../../env/slices.ts';
import type { TimeBounds } from '../../../storage/engine/memtable/shape-table.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import type { Store } from '../../../storage/store/store.ts';
import type { IdleKernels } from '../idle-kernels.ts';
import { digestStream, type DigestBody } from './digest-streams.ts';
import { KeptDigests } from './kept-digests.ts';
import type { DigestTask } from './shard-digest.ts';

export interface DigestRunnerPorts extends Pick<EnginePorts, 'clock' | 'disk' | 'turn'> {
  readonly store: Pick<Store, 'content' | 'lacks' | 'stampsWithin' | 'whenOpen'>;
  readonly kernels: IdleKernels;
  /** Of those that are here, to be released. */
  readonly views: (shardIds: readonly number[]) => readonly ShardView[];
}

/** Whoever waits for a digest hears so often that it is being made. */
const beatMs = 1_000;

export class DigestRunner {
  readonly #ports: DigestRunnerPorts;
  readonly #kept: KeptDigests;

  constructor(ports: DigestRunnerPorts) {
    this.#ports = ports;
    this.#kept = new KeptDigests(ports);
  }

  async *run(body: DigestBody, context: EngineContext): AsyncGenerator<EngineReply> {
    const { clock, kernels, store, views } = this.#ports;
    const { shardId } = body;
    await store.whenOpen([shardId]);
    const content = store.content(shardId);
    if (body.kind === 'digest' && store.lacks(shardId)) return;
    if (body.kind === 'digest' && content !== undefined) await this.#kept.load(body, content);
    // Of the shard as it is now: it may have gone meanwhile.
    const shard = store.content(shardId)?.shard;
    const [view] = views([shardId]);
    if (view === undefined || shard === undefined) return;
    const kernel = kernels.take();
    const { arena } = kernel;
    const slices = new Slices(this.#ports);
    try {
      let saidMs = clock.monotonicMs();
      const stampsOf = (bounds: TimeBounds) => store.stampsWithin(shardId, bounds);
      // It begins at the moment of the view: nothing is awaited between the two.
      const digestOf = (task: DigestTask) => this.#kept.digest(task, { view, shard }, arena);
      for (const reply of digestStream(view, body, { arena, digestOf, stampsOf })) {
        if (reply?.isLast === true && body.kind === 'digest') await this.#save(shardId);
        if (reply !== undefined) yield reply;
        if ((await slices.next()) && context.cancelled()) return;
        if (reply === undefined && clock.monotonicMs() - saidMs < beatMs) continue;
        saidMs = clock.monotonicMs();
        if (reply === undefined) yield { body: undefined };
      }
    } finally {
      view.release();
      kernels.give(kernel);
    }
  }

  async #save(shardId: number): Promise<void> {
    const content = this.#ports.store.content(shardId);
    if (content !== undefined) await this.#kept.save(shardId, content);
  }

  /** Of a shard that goes. */
  forget(shardId: number): void {
    this.#kept.forget(shardId);
  }
}
