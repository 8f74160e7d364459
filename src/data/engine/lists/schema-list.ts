/**
 * What SHOW statements read of the indexes of some shards: series keys, keys and values of tags, fields with all their
 * types, and sketches of how many series there are. Points are never read. Lists come in pieces, so that a list of
 * millions neither stops a worker nor is held by one.
 */
import type { Predicate } from '../../../query/predicate.ts';

/** A measurement whose lists are asked for, and which of its series count. */
export interface ListedMeasurement {
  readonly name: string;
  readonly predicate?: Predicate | undefined;
  /** How many series are listed at most, or values of each tag that has no predicate. */
  readonly textsMax?: number | undefined;
  /** Those whose values are listed, in order of their bytes. */
  readonly tagKeys?: readonly string[] | undefined;
}

export interface ListRequest {
  /** Sketches are of a measurement each, but for `whole-sketch`: one of all series, for which no measurement is named. */
  readonly of: 'series' | 'tag-keys' | 'tag-values' | 'field-types' | 'series-sketch' | 'whole-sketch'; // prettier-ignore
  readonly shardIds: readonly number[];
  readonly measurements: readonly ListedMeasurement[];
}

/** A piece of the list of one measurement. Pieces come in order of `at`, then of the bytes of `key`. */
export interface ListPiece {
  /** Place of the measurement in the request. */
  readonly at: number;
  /** The tag whose values, or the type whose fields these are; '' otherwise. */
  readonly key: string;
  /** Each once and in order of their bytes, over all pieces of one `at` and `key`. */
  readonly texts: readonly string[];
  /** A packed HyperLogLog of series keys. */
  readonly sketch?: Uint32Array | undefined;
}
