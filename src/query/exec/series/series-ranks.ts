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
    const places = new Map<bigint, number>();
    const keys: string[] = [];
    const at = Uint32Array.from(ranks, (rank) => {
      let place = places.get(rank);
      if (place === undefined) {
        place =
          keys.push(must(this.#members[Number(rank)], 'a member for each rank').series.key) - 1;
        places.set(rank, place);
      }
      return place;
    });
    return { keys, at };
  }
}
