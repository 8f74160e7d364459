/** What a worker is asked of digests, step by step: each step is a little work, and some of them have an answer. */
import type { EngineReply } from '../../../env/engine-host.ts';
import { DbError } from '../../../base/errors.ts';
import type { StampRange } from '../../../models/stamp.ts';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { readRangePoints, type RangePoints, type RangePointsTask } from './range-points.ts';
import { HashFilter } from './hash-filter.ts';
import { sliceBounds } from './read-parts.ts';
import { digestSeries, type SeriesDigest, type SeriesDigestTask } from './series-digests.ts';
import type { DigestTask } from './shard-digest.ts';
import { pickedMax, pickPoints, sketchParts, type PickedPointsTask, type SketchTask } from './sketch-parts.ts'; // prettier-ignore

export type DigestBody =
  | ({ readonly kind: 'digest' } & DigestTask)
  | ({ readonly kind: 'series-digests' } & SeriesDigestTask)
  | ({ readonly kind: 'range-points' } & RangePointsTask)
  | ({ readonly kind: 'sketch' } & SketchTask)
  | ({ readonly kind: 'picked-points' } & Omit<PickedPointsTask, 'hashes'> & {
        readonly hashes: Uint8Array;
      });

interface DigestContext {
  readonly arena: SourceArena;
  /** Of the whole shard (kept-digests.ts). */
  readonly digestOf: (task: DigestTask) => Generator<Uint32Array | undefined, void>;
  readonly stampsOf: (bounds: { readonly minTimeNs: bigint; readonly maxTimeNs: bigint }) => StampRange | undefined; // prettier-ignore
}

const seriesPerReply = 256;
const kinds: ReadonlySet<string> = new Set<DigestBody['kind']>(['digest', 'series-digests', 'range-points', 'sketch', 'picked-points']); // prettier-ignore

export function isDigestKind(kind: string): kind is DigestBody['kind'] {
  return kinds.has(kind);
}

export function* digestStream(
  source: ShardSource,
  body: DigestBody,
  { arena, digestOf, stampsOf }: DigestContext,
): Generator<EngineReply | undefined> {
  switch (body.kind) {
    case 'digest':
      for (const digest of digestOf(body)) yield digest && { body: digest, isLast: true };
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
    case 'sketch':
      for (const sketch of sketchParts(source, body, arena))
        yield sketch && { body: sketch.bytes, isLast: true };
      return;
    case 'picked-points': {
      const hashes = HashFilter.of(body.hashes, pickedMax);
      if (hashes === undefined) throw new DbError('invalid_argument', 'no list of hashes');
      for (const points of pickPoints(source, { ...body, hashes }, { arena, stampsOf }))
        yield points && { body: points };
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
