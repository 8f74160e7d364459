import { must } from '../../../base/assert.ts';
import type { Column } from '../../column.ts';
import type { RowSeries } from '../../fragment.ts';
import type { MemberSeries } from '../groups.ts';
import type { ChunkStream } from '../columns/merge-chunks.ts';

/**
 * The place of each series of a group in the order of their keys and in the direction of time, as rows of equal time stand
 * (docs/internals/query.md). It travels with rows in one more column while shards are merged, and leaves as the keys.
 */
export class SeriesRanks {
  readonly #members: readonly MemberSeries[];
  readonly #ranks = new Map<MemberSeries, number>();

  /** `members` are ordered by key; a series of several shards has one rank. */
  constructor(members: readonly MemberSeries[]) {
    this.#members = members;
    const [first] = members;
    // In one shard each is a series of its own: what it is called is asked of those that have rows to show.
    const isOfOneShard = members.every(({ source }) => source === first?.source);
    let rank = 0;
    for (const [at, member] of members.entries()) {
      const last = members[rank];
      if (isOfOneShard || last?.series.key !== member.series.key) rank = at;
      this.#ranks.set(member, rank);
    }
  }

  /** A stream of a member's rows with its rank in one more column. */
  rank(member: MemberSeries, stream: ChunkStream): ChunkStream {
    const rank = BigInt(must(this.#ranks.get(member), 'a rank for each member'));
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
    return must(this.#members[rank], 'a member for each rank').series.key;
  }
}
