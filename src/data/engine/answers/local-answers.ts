/** The answers that workers of this node make by themselves, and what they make of those of other nodes. */
import type { EngineLink } from '../../../env/engine-host.ts';
import { homeOf } from '../engine-tasks.ts';
import type { GatheredOthers, PlannedBlocks } from '../shard-access.ts';
import type { WorkerLoads } from '../worker-loads.ts';
import type { AnswerPart, AnswerRequest } from './answer-task.ts';
import { AloneAnswers } from './alone-answers.ts';
import { EmptyShares } from './empty-shares.ts';
import { gatheredAnswer } from './gathered/gathered-answer.ts';
import { HelpedAnswer } from './shared/helped-answer.ts';

export interface LocalAnswersPorts {
  readonly links: readonly EngineLink[];
  readonly loads: Pick<WorkerLoads, 'bytesOf'>;
  /** The version of its lists that a worker was heard to be at. */
  readonly versionHeard: (worker: number) => number;
}

export class LocalAnswers {
  readonly #ports: LocalAnswersPorts;
  readonly #empty = new EmptyShares();
  readonly #alone = new AloneAnswers();
  #gatheredCount = 0;

  constructor(ports: LocalAnswersPorts) {
    this.#ports = ports;
  }

  /** As ShardAccess has it. */
  answer(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<AnswerPart> | undefined {
    const home = this.#soleHome(shardIds);
    const link = this.#linkOf(home);
    if (home === undefined || link === undefined) return undefined;
    const alone = () => link.stream('answer', request, { signal }) as AsyncIterable<AnswerPart>;
    if (request.isShare === true) return this.#empty.of(request, this.#ports.versionHeard(home), alone); // prettier-ignore
    const helper = this.#alone.mayBeHelped(request) ? this.#idleBeside(home) : undefined;
    if (helper === undefined) return alone();
    const onAlone = () => {
      this.#alone.note(request);
    };
    return new HelpedAnswer({ home: link, helper }, request, signal, onAlone);
  }

  /** As ShardAccess has it. */
  gather(
    shardIds: readonly number[],
    request: AnswerRequest,
    others: GatheredOthers,
  ): AsyncIterableIterator<AnswerPart> | undefined {
    const link = this.#linkOf(this.#soleHome(shardIds));
    return link && gatheredAnswer(link, request, { id: ++this.#gatheredCount, others });
  }

  /** As ShardAccess has it. */
  plannedBlocks(
    shardIds: readonly number[],
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncIterable<PlannedBlocks> | undefined {
    const blocks = this.#linkOf(this.#soleHome(shardIds))?.stream('planned-blocks', request, { signal }); // prettier-ignore
    return blocks as AsyncIterable<PlannedBlocks> | undefined;
  }

  /** Shards are others, or may not be read. */
  clear(): void {
    this.#empty.clear();
  }

  /** Undefined where they are of several workers. */
  #soleHome(shardIds: readonly number[]): number | undefined {
    const { length } = this.#ports.links;
    const home = homeOf(shardIds[0] ?? 0, length);
    return shardIds.every((shardId) => homeOf(shardId, length) === home) ? home : undefined;
  }

  #linkOf(home: number | undefined): EngineLink | undefined {
    return home === undefined ? undefined : this.#ports.links[home];
  }

  /** A worker that has nothing to do while `home` has. */
  #idleBeside(home: number): EngineLink | undefined {
    const { links, loads } = this.#ports;
    return links.find((link, i) => i !== home && link.streamsActive === 0 && loads.bytesOf(i) === 0); // prettier-ignore
  }
}
