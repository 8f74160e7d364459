/** What a worker is asked of digests, step by step: each step is a little work, and some of them have an answer. */
import type { EngineReply } from '../../../env/engine-host.ts';
import type { StampRange } from '../../../models/stamp.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { readRangePoints, type RangePointsTask } from './range-points.ts';
import {
  digestSeries,
  sliceBounds,
  type SeriesDigest,
  type SeriesDigestTask,
} from './series-digests.ts';
import { digestShard, type DigestTask } from './shard-digest.ts';

export type DigestBody =
  | ({ readonly kind: 'digest' } & DigestTask)
  | ({ readonly kind: 'series-digests' } & SeriesDigestTask)
  | ({ readonly kind: 'range-points' } & RangePointsTask);

/** Points, with the stamps of all that the shard has of their time. */
export interface RangePoints {
  readonly payload: Uint8Array;
  readonly stamps: StampRange | undefined;
}

interface DigestContext {
  readonly arena: SourceArena;
  readonly stampsOf: (bounds: { readonly minTimeNs: bigint; readonly maxTimeNs: bigint }) => StampRange | undefined; // prettier-ignore
}

const seriesPerReply = 256;

export function isDigestKind(kind: string): kind is DigestBody['kind'] {
  return kind === 'digest' || kind === 'series-digests' || kind === 'range-points';
}

export function* digestStream(
  source: ShardSource,
  body: DigestBody,
  { arena, stampsOf }: DigestContext,
): Generator<EngineReply | undefined> {
  switch (body.kind) {
    case 'digest':
      for (const digest of digestShard(source, body, arena))
        yield digest && { body: digest, isLast: true };
      return;
    case 'series-digests': {
      let batch: SeriesDigest[] = [];
      for (const one of digestSeries(source, body, arena)) {
        if (one !== undefined) batch.push(one);
        if (batch.length < seriesPerReply) yield undefined;
        else {
          yield { body: batch };
          batch = [];
        }
      }
      yield { body: batch };
      return;
    }
    case 'range-points': {
      const stamps = stampsOf(boundsOf(body));
      for (const payload of readRangePoints(source, body, arena))
        yield payload && { body: { payload, stamps } satisfies RangePoints };
      return;
    }
  }
}

/** Of all slices that are asked for. */
function boundsOf({ series, ...range }: RangePointsTask): ReturnType<typeof sliceBounds> {
  let [least, greatest] = [Infinity, 0];
  for (const { slices } of series) {
    least = Math.min(least, slices[0] ?? Infinity);
    greatest = Math.max(greatest, slices.at(-1) ?? 0);
  }
  return sliceBounds(range, Math.min(least, greatest), greatest);
}
