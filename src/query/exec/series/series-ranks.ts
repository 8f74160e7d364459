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
  readonly #ranks = new Map<MemberSeries, bigint>();
  readonly #keys: string[] = [];

  /** `members` are ordered by key; a series of several shards has one rank. */
  constructor(members: readonly MemberSeries[]) {
    for (const member of members) {
      const { key } = member.series;
      if (this.#keys[this.#keys.length - 1] !== key) this.#keys.push(key);
      this.#ranks.set(member, BigInt(this.#keys.length - 1));
    }
  }

  /** A stream of a member's rows with its rank in one more column. */
  rank(member: MemberSeries, stream: ChunkStream): ChunkStream {
    const rank = must(this.#ranks.get(member), 'a rank for each member');
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
        place = keys.push(must(this.#keys[Number(rank)], 'a key for each rank')) - 1;
        places.set(rank, place);
      }
      return place;
    });
    return { keys, at };
  }
}
