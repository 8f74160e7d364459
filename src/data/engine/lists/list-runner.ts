/** Makes the lists of SHOW statements on the worker that has the shards: as plain pieces, or as bytes for whoever writes them down. */
import { DbError } from '../../../base/errors.ts';
import type { EngineContext, EnginePorts, EngineReply } from '../../../env/engine-host.ts';
import { Slices } from '../../../env/slices.ts';
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { MiB } from '../../../base/units.ts';
import { decodeRequest } from './list-request-text.ts';
import type { MatcherFactory } from '../../../query/predicate.ts';
import { stoppableMatcher } from '../../../query/stoppable-matcher.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import type { EngineList } from '../engine-tasks.ts';
import { listSchema } from './list-schema.ts';
import { packLists, type PackedRequest } from './pack-lists.ts';
import { ListPacker } from './packed-list.ts';
import type { ListPiece, ListRequest } from './schema-list.ts';

export interface ListRunnerPorts extends Pick<EnginePorts, 'clock' | 'turn'> {
  readonly matcher: MatcherFactory;
  readonly whenOpen: (shardIds: readonly number[]) => Promise<void> | undefined;
  /** Of those that are here, to be released. */
  readonly views: (shardIds: readonly number[]) => readonly ShardView[];
  readonly seriesVersion: () => number;
}

/** Texts of a list that travel together. */
const batchTextsMax = 4_096;
/** Requests that are asked again; they weigh the length of their texts. */
const knownMax = { countMax: 256, weightMax: 8 * MiB };

export class ListRunner {
  readonly #ports: ListRunnerPorts;
  readonly #known = new RecentMap<string, PackedRequest>(knownMax);

  constructor(ports: ListRunnerPorts) {
    this.#ports = ports;
  }

  async *list(request: ListRequest, context: EngineContext): AsyncGenerator<EngineReply> {
    const { whenOpen, views: viewsOf } = this.#ports;
    await whenOpen(request.shardIds);
    const views = viewsOf(request.shardIds);
    const seriesVersion = this.#ports.seriesVersion();
    try {
      for await (const { body, ...rest } of this.#piecesOf(views, request, context))
        yield {
          ...rest,
          body: { pieces: body as ListPiece[], seriesVersion } satisfies EngineList,
        };
    } finally {
      for (const view of views) view.release();
    }
  }

  /** As bytes; `body` is a request, or its text. */
  async *packed(body: unknown, context: EngineContext): AsyncGenerator<EngineReply> {
    const request = typeof body === 'string' ? this.#requestOf(body) : (body as PackedRequest);
    const { whenOpen, views: viewsOf } = this.#ports;
    await whenOpen(request.shardIds);
    const slices = new Slices(this.#ports);
    const views = viewsOf(request.shardIds);
    const packer = new ListPacker();
    const packing = { packer, matcher: this.#matcherOf(context) };
    try {
      for (const _ of packLists(views, request, packing)) {
        if (packer.isFull && packer.openCount === 0) yield* replies(packer);
        if (slices.isDue && (await slices.next()) && context.cancelled()) return;
      }
      yield* replies(packer);
    } finally {
      for (const view of views) view.release();
    }
  }

  #requestOf(text: string): PackedRequest {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const request = decodeRequest(text);
    this.#known.set(text, request, text.length);
    return request;
  }

  async *#piecesOf(
    views: readonly ShardView[],
    request: ListRequest,
    context: EngineContext,
  ): AsyncGenerator<EngineReply> {
    const slices = new Slices(this.#ports);
    let batch: ListPiece[] = [];
    let textCount = 0;
    for (const piece of listSchema(views, request, this.#matcherOf(context))) {
      if (piece !== undefined) {
        batch.push(piece);
        textCount += piece.texts.length;
      }
      if (textCount >= batchTextsMax) {
        yield { body: batch };
        [batch, textCount] = [[], 0];
      }
      if ((await slices.next()) && context.cancelled()) return;
    }
    if (batch.length > 0) yield { body: batch, isLast: true };
  }

  #matcherOf(context: EngineContext): MatcherFactory {
    return stoppableMatcher(this.#ports.matcher, () => {
      if (context.cancelled()) throw new DbError('cancelled', 'query interrupted');
    });
  }
}

function* replies(packer: ListPacker): Generator<EngineReply> {
  for (const part of packer.take())
    yield { body: part, transfer: [part.bytes.buffer, part.ends.buffer, part.runs.buffer] };
}
