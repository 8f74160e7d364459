import type { EngineList } from '../engine-tasks.ts';
import type { ListPiece, ListRequest } from './schema-list.ts';

/** Of the texts of one list, and of all that are kept; past it all are forgotten. */
const listLengthMax = 65_536;
const keptLengthMax = 4 << 20;
/** What a text costs beside its characters. */
const textLength = 16;

interface Kept {
  readonly pieces: readonly ListPiece[];
  readonly seriesVersion: number;
}

/**
 * Short lists of the indexes of shards as workers gave them, for as long as no write has said that there are more series
 * since: SHOW statements are asked by each dashboard that is opened, and new series are few. A write tells before it is
 * acknowledged, as with DescribedLanes. Lists with a condition, and sketches, are made each time.
 */
export class ListedLanes {
  readonly #kept = new Map<string, Kept>();
  #keptLength = 0;
  /** Latest version heard of, by number of the worker. */
  readonly #versions = new Map<number, number>();
  #changeCount = 0;

  /** Another number whenever a worker was heard to have other series, fields or tag keys, or shards have gone. */
  get changeCount(): number {
    return this.#changeCount;
  }

  seen(worker: number, seriesVersion: number): void {
    if (seriesVersion <= (this.#versions.get(worker) ?? 0)) return;
    this.#versions.set(worker, seriesVersion);
    this.#changeCount++;
  }

  versionHeard(worker: number): number {
    return this.#versions.get(worker) ?? 0;
  }

  find(worker: number, request: ListRequest): readonly ListPiece[] | undefined {
    if (this.#kept.size === 0 || !isKept(request)) return undefined;
    const kept = this.#kept.get(JSON.stringify(request));
    return kept !== undefined && kept.seriesVersion >= this.versionHeard(worker)
      ? kept.pieces
      : undefined;
  }

  /** The pieces of a list, as they are known or as `ask` has a worker give them. */
  async *read(
    worker: number,
    request: ListRequest,
    { ask, signal }: { readonly ask: () => AsyncIterable<unknown>; readonly signal: AbortSignal | undefined }, // prettier-ignore
  ): AsyncGenerator<readonly ListPiece[]> {
    const known = this.find(worker, request);
    if (known !== undefined) {
      yield known;
      return;
    }
    const gathering = this.begin(worker, request);
    let readAt = 0;
    for await (const reply of ask()) {
      const { pieces, seriesVersion } = reply as EngineList;
      gathering?.add(pieces);
      readAt = seriesVersion;
      yield pieces;
    }
    if (signal?.aborted !== true) gathering?.end(readAt);
  }

  /** What gathers the pieces of a list that is being read; undefined when it would not be kept. */
  begin(worker: number, request: ListRequest): ListGathering | undefined {
    if (!isKept(request)) return undefined;
    const pieces: ListPiece[] = [];
    let length = 0;
    return {
      add: (more) => {
        if (length > listLengthMax) return;
        for (const { texts } of more) for (const text of texts) length += text.length + textLength;
        pieces.push(...more);
      },
      end: (seriesVersion) => {
        this.seen(worker, seriesVersion);
        if (length <= listLengthMax) this.#keep(request, { pieces, seriesVersion }, length);
      },
    };
  }

  /** Shards have gone. */
  clear(): void {
    this.#changeCount++;
    this.#forget();
  }

  #forget(): void {
    this.#kept.clear();
    this.#keptLength = 0;
  }

  #keep(request: ListRequest, kept: Kept, length: number): void {
    if (this.#keptLength + length > keptLengthMax) this.#forget();
    this.#keptLength += length;
    this.#kept.set(JSON.stringify(request), kept);
  }
}

export interface ListGathering {
  add(pieces: readonly ListPiece[]): void;
  /** All of the list is there; it was read at this version. */
  end(seriesVersion: number): void;
}

function isKept({ of, measurements }: ListRequest): boolean {
  const isSketch = of === 'series-sketch' || of === 'whole-sketch';
  return !isSketch && measurements.every(({ predicate }) => predicate === undefined);
}
