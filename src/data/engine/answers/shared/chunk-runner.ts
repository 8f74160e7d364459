/**
 * Makes chunks of an answer: here the shards' home and whoever helps it do the same, each from files that it has open itself. What
 * is open is closed however it ends.
 */
import type { EngineReply } from '../../../../env/engine-host.ts';
import { must } from '../../../../base/assert.ts';
import { isDbError } from '../../../../base/errors.ts';
import type { TimeZone } from '../../../../base/time-zone.ts';
import { JsonDocument } from '../../../../query/emit/json-writer.ts';
import type { LevelPlan } from '../../../../query/plan/level-plan.ts';
import { LentMemtable } from '../../../../storage/engine/memtable/lent-rows.ts';
import { ShardView } from '../../../../storage/engine/shard-view.ts';
import type { ViewParts } from '../../../../storage/engine/view-request.ts';
import { ListedIndex } from '../../../../storage/index/listed-index.ts';
import type { BorrowedFiles } from '../../../../storage/store/borrowed-files.ts';
import { AnswerReader, type AnswerPorts, type RunningAnswer } from '../answer-reader.ts';
import type { AnswerTask } from '../answer-task.ts';
import { repliesOf } from '../reply-flow.ts';
import { documentParts } from '../document-parts.ts';
import { ChunkDocument } from './chunk-document.ts';
import { claimChunk, helperAheadMax, type ChunkCut, type SharedAnswer } from './shared-answer.ts';

export type LentFiles = Pick<BorrowedFiles, 'borrow' | 'giveBack' | 'distrust'>;

export interface ChunkedPlan {
  readonly plan: LevelPlan;
  readonly zone: TimeZone | undefined;
  readonly task: AnswerTask;
}

interface OpenShared {
  readonly shared: SharedAnswer;
  /** By shard; whoever opened them lets go of them. */
  readonly parts: readonly ViewParts[];
  /** Of the stream that the chunks leave by. */
  readonly aheadMax: number;
}

export class ChunkRunner {
  readonly #ports: AnswerPorts;
  readonly #lent: LentFiles;

  constructor(ports: AnswerPorts, lent: LentFiles) {
    this.#ports = ports;
    this.#lent = lent;
  }

  /** For another worker, of whose shards the files are. None are taken where these are not what they were any more. */
  async *assist(
    chunked: ChunkedPlan,
    shared: SharedAnswer,
    running: RunningAnswer,
  ): AsyncGenerator<EngineReply> {
    if (Atomics.load(shared.claims, 0) >= shared.chunkCount) return;
    const lent = shared.shards.flatMap((shard) => shard.files);
    const borrowed = await this.#lent.borrow(lent);
    if (borrowed === undefined) return;
    try {
      let at = 0;
      const parts = shared.shards.map(({ files, rows }) => ({
        files: borrowed.slice(at, (at += files.length)),
        memtables: rows.map((lent) => new LentMemtable(lent)),
      }));
      const aheadMax = helperAheadMax(shared.cut);
      yield* this.run(chunked, { shared, parts, aheadMax }, running);
    } catch (error) {
      if (isDbError(error, 'corrupt')) this.#lent.distrust(lent);
      throw error;
    } finally {
      this.#lent.giveBack(lent);
    }
  }

  /** Chunks, as long as there are any that nobody has taken. */
  async *run(
    { plan, zone, task }: ChunkedPlan,
    { shared, parts, aheadMax }: OpenShared,
    running: RunningAnswer,
  ): AsyncGenerator<EngineReply> {
    const { cut, shards } = shared;
    const indexes = shards.map(({ list }) => new ListedIndex(list));
    const views = shards.map(({ shardId }, i) => ShardView.within(shardId, must(indexes[i], 'a shard has a list'), must(parts[i], 'and parts'))); // prettier-ignore
    const places = task.places.map((place) => ({ ...place, views }));
    // They have been counted.
    const limits = { seriesMax: 0, pointsMax: 0 };
    const document = new ChunkDocument(
      new JsonDocument({ epochUnitNs: task.epochUnitNs }),
      cut,
      aheadMax,
    );
    try {
      for (;;) {
        // What was made leaves, and whoever else waits here has his turn.
        await this.#ports.turn();
        running.pacer.check();
        const chunk = claimChunk(shared);
        if (chunk === undefined) return;
        const within = showChunk(cut, chunk, indexes);
        const reader = new AnswerReader(this.#ports, { places, limits, within }, running);
        try {
          document.begin(chunk);
          yield* repliesOf(documentParts(reader.flow(plan, zone), document, running.pacer));
        } finally {
          reader.end();
        }
      }
    } finally {
      for (const view of views) view.release();
    }
  }
}

/** Has the indexes show the series of a chunk; answers its times where it is one of times. */
function showChunk(
  cut: ChunkCut,
  chunk: number,
  indexes: readonly ListedIndex[],
): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } | undefined {
  if (cut.kind === 'times') {
    const [minTimeNs, maxTimeNs] = [cut.minTimesNs[chunk], cut.maxTimesNs[chunk]];
    return { minTimeNs: must(minTimeNs, 'a chunk has times'), maxTimeNs: must(maxTimeNs, 'both') };
  }
  for (const [i, index] of indexes.entries()) {
    const ends = must(cut.ends[i], 'a shard has ends of chunks');
    index.show(chunk === 0 ? 0 : (ends[chunk - 1] ?? 0), ends[chunk] ?? 0);
  }
  return undefined;
}
