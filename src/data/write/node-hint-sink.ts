import { errorText } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { hintOf } from './fenced-hint.ts';
import type { HintSink } from './hint-sink.ts';
import type { ShareOutcome } from './share.ts';

/** Hinted handoff, as the outbox of one node needs it. */
export interface HintStore {
  isQueued(nodeId: number, shardId: number): boolean;
  closing(nodeId: number, shardId: number): Promise<void> | undefined;
  append(nodeId: number, shardId: number, payloads: readonly Uint8Array[]): Promise<void>;
}

/** Told, before batches of a shard are queued, of the oldest catalog that they were routed by. */
export type NoteIndex = (
  nodeId: number,
  shardId: number,
  index: number,
  batches?: readonly ShardBatch[],
) => void;

/** Keeps what one node did not take in hinted handoff. */
export class NodeHintSink implements HintSink {
  readonly #hints: HintStore;
  readonly #log: Log;
  readonly #noteIndex: NoteIndex;
  readonly #nodeId: number;

  constructor(
    ports: { readonly hints: HintStore; readonly log: Log; readonly noteIndex: NoteIndex },
    nodeId: number,
  ) {
    this.#hints = ports.hints;
    this.#log = ports.log;
    this.#noteIndex = ports.noteIndex;
    this.#nodeId = nodeId;
  }

  isQueued(shardId: number): boolean {
    return this.#hints.isQueued(this.#nodeId, shardId);
  }

  closing(shardId: number): Promise<void> | undefined {
    return this.#hints.closing(this.#nodeId, shardId);
  }

  async enqueue(batches: readonly ShardBatch[], error: unknown): Promise<ShareOutcome> {
    const [first] = batches;
    if (first === undefined) return { kind: 'queued', error };
    const { shardId } = first;
    try {
      const indexes = batches.map(({ catalogIndex = 0 }) => catalogIndex);
      this.#noteIndex(this.#nodeId, shardId, Math.min(...indexes), batches);
      const payloads = batches.map(hintOf);
      await this.#hints.append(this.#nodeId, shardId, payloads);
      return { kind: 'queued', error };
    } catch (failure) {
      const fields = { nodeId: this.#nodeId, shardId, error: errorText(failure) };
      this.#log.debug('A write could not be queued for its owner', fields);
      return { kind: 'lost', error: failure };
    }
  }
}
