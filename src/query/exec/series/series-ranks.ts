import { must } from '../../../base/assert.ts';
import type { Column } from '../../column.ts';
import type { RowSeries } from '../../fragment.ts';
import type { MemberSeries } from '../groups.ts';
import type { ChunkStream } from '../columns/chunk-stream.ts';

/** A key is read from the index, in some hundred nanoseconds and more. */
const seriesPerPause = 1_024;

/**
 * The place of each series of a group in the order of their keys and in the direction of time, as rows of equal time stand
 * (docs/internals/query.md). It travels with rows in one more column while shards are merged, and leaves as the keys.
 */
export class SeriesRanks {
  readonly #members: readonly MemberSeries[];
  /** By place of the member; undefined where that is it. */
  readonly #ranks: Uint32Array | undefined;

  private constructor(members: readonly MemberSeries[], ranks: Uint32Array | undefined) {
    this.#members = members;
    this.#ranks = ranks;
  }

  /** `members` are ordered by key; a series of several shards has one rank. undefined is a pause. */
  static *of(members: readonly MemberSeries[]): Generator<undefined, SeriesRanks> {
    const [first] = members;
    // In one shard each is a series of its own: what it is called is asked of those that have rows to show.
    if (members.every(({ source }) => source === first?.source))
      return new SeriesRanks(members, undefined);
    const ranks = new Uint32Array(members.length);
    let rank = 0;
    let lastKey: string | undefined;
    for (const [place, { source, seriesId }] of members.entries()) {
      const key = source.seriesKey(seriesId);
      if (key !== lastKey) rank = place;
      lastKey = key;
      ranks[place] = rank;
      if (place % seriesPerPause === seriesPerPause - 1) yield undefined;
    }
    return new SeriesRanks(members, ranks);
  }

  /** A stream of a member's rows with its rank in one more column. */
  rank(place: number, stream: ChunkStream): ChunkStream {
    const rank = BigInt(this.#ranks?.[place] ?? place);
    return {
      next() {
        const chunk = stream.next();
        if (chunk === undefined || chunk === 'pause') return chunk;
        const values = new BigInt64Array(chunk.timesNs.length).fill(rank);
        return { ...chunk, columns: [...chunk.columns, { type: 'integer', values }] };
      },
    };
  }

  /** What the ranks of some rows stand for. */
  seriesOf(column: Column | undefined): RowSeries {
    const ranks = column?.type === 'integer' ? column.values : new BigInt64Array(0);
    const words = new Uint32Array(ranks.buffer, ranks.byteOffset, ranks.length * 2);
    const at = new Uint32Array(ranks.length);
    const places = new Map<number, number>();
    const keys: string[] = [];
    let lastRank = -1;
    let place = 0;
    for (let row = 0; row < at.length; row++) {
      // No more than there are series: its lower word says all.
      const rank = words[row * 2] ?? 0;
      if (rank !== lastRank) {
        place = places.get(rank) ?? keys.push(this.#keyOf(rank)) - 1;
        places.set(rank, place);
        lastRank = rank;
      }
      at[row] = place;
    }
    return { keys, at };
  }

  #keyOf(rank: number): string {
    const { source, seriesId } = must(this.#members[rank], 'a member for each rank');
    return source.seriesKey(seriesId);
  }
}
