import { must } from '../../base/assert.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { HyperLogLog } from '../../base/collections/hyper-log-log.ts';
import { sortedNames } from '../../query/compile/schema.ts';
import { specialize, type MatcherFactory } from '../../query/predicate.ts';
import type { SeriesIds, ShardSource } from '../../query/source.ts';
import { candidateSeries, passingSeries } from './select-series.ts';
import type { ListedMeasurement, ListPiece, ListRequest } from './schema-list.ts';

const pieceTextsMax = 4_096;
/** So many series are looked at between two chances to rest. */
const restSeriesCount = 256;

/** The lists of a request, piece by piece; undefined is a place to rest at. */
export function* listSchema(
  shards: readonly ShardSource[],
  { of, measurements }: ListRequest,
  matcher: MatcherFactory,
): Generator<ListPiece | undefined> {
  for (const [at, measurement] of measurements.entries()) {
    const lister: Lister = { at, shards, measurement, matcher };
    switch (of) {
      case 'series':
        yield* listSeries(lister);
        break;
      case 'tag-keys':
        yield* listTagKeys(lister);
        break;
      case 'tag-values':
        yield* measurement.predicate === undefined
          ? listAllTagValues(lister)
          : listTagValuesOf(lister);
        break;
      case 'field-types':
        yield* listFieldTypes(lister);
        break;
      case 'series-sketch':
        yield* sketchSeries(lister);
        break;
    }
  }
}

interface Lister {
  readonly at: number;
  readonly shards: readonly ShardSource[];
  readonly measurement: ListedMeasurement;
  readonly matcher: MatcherFactory;
}

/** The series that pass, shard after shard: a series of two shards comes twice. */
function* passing({ shards, measurement, matcher }: Lister): Generator<PassingSeries | undefined> {
  for (const shard of shards) yield* passingSeries(shard, measurement, matcher);
}

type PassingSeries = ReturnType<ShardSource['series']>;

/** The sorted list of one shard, and where its reader is. */
interface Head {
  readonly shard: ShardSource;
  readonly ids: SeriesIds;
  next: number;
  series: PassingSeries;
}

function advance(head: Head): boolean {
  const id = head.ids[++head.next];
  if (id === undefined) return false;
  head.series = head.shard.series(id);
  return true;
}

/** The sorted lists of the shards run side by side: a series of many shards is given and judged once. */
function* listSeries(lister: Lister): Generator<ListPiece | undefined> {
  const { at, measurement, matcher } = lister;
  let heads = lister.shards.flatMap((shard): Head[] => {
    const ids = candidateSeries(shard, measurement);
    const [first] = ids;
    return first === undefined ? [] : [{ shard, ids, next: 0, series: shard.series(first) }];
  });
  let texts: string[] = [];
  for (let count = 1; heads.length > 0; count++) {
    if (count % restSeriesCount === 0) yield undefined;
    const { key, tags } = leastOf(heads);
    let hasEnded = false;
    for (const head of heads) if (head.series.key === key && !advance(head)) hasEnded = true;
    if (hasEnded) heads = heads.filter(({ next, ids }) => next < ids.length);
    if (specialize(measurement.predicate, tags, matcher) === false) continue;
    texts.push(key);
    if (texts.length < pieceTextsMax) continue;
    yield { at, key: '', texts };
    texts = [];
  }
  if (texts.length > 0) yield { at, key: '', texts };
}

function leastOf(heads: readonly Head[]): PassingSeries {
  let least: PassingSeries | undefined;
  for (const { series } of heads)
    if (least === undefined || compareUtf8(series.key, least.key) < 0) least = series;
  return must(least, 'a list that has not ended has a series');
}

function* listTagKeys(lister: Lister): Generator<ListPiece | undefined> {
  const keys = new Set<string>();
  for (const series of passing(lister)) {
    if (series === undefined) yield undefined;
    else for (const key of series.tags.keys()) keys.add(key);
  }
  yield* pieces(lister.at, '', keys);
}

/** By postings alone. */
function* listAllTagValues({ at, shards, measurement }: Lister): Generator<ListPiece | undefined> {
  for (const key of measurement.tagKeys ?? []) {
    const values = new Set<string>();
    for (const shard of shards) {
      for (const value of shard.tagValues(measurement.name, key)) values.add(value);
      yield undefined;
    }
    yield* pieces(at, key, values);
  }
}

function* listTagValuesOf(lister: Lister): Generator<ListPiece | undefined> {
  const found = new Map((lister.measurement.tagKeys ?? []).map((key) => [key, new Set<string>()]));
  for (const series of passing(lister)) {
    if (series === undefined) {
      yield undefined;
      continue;
    }
    for (const [key, values] of found) {
      const value = series.tags.get(key);
      if (value !== undefined) values.add(value);
    }
  }
  for (const [key, values] of found) yield* pieces(lister.at, key, values);
}

function* listFieldTypes({ at, shards, measurement }: Lister): Generator<ListPiece | undefined> {
  const byType = new Map<string, Set<string>>();
  for (const shard of shards) {
    yield undefined;
    for (const { name, type } of shard.fields(measurement.name)) {
      const names = byType.get(type) ?? new Set();
      byType.set(type, names.add(name));
    }
  }
  for (const type of sortedNames(byType.keys()))
    yield* pieces(at, type, byType.get(type) ?? new Set());
}

function* sketchSeries(lister: Lister): Generator<ListPiece | undefined> {
  const sketch = new HyperLogLog();
  for (const series of passing(lister)) {
    if (series === undefined) yield undefined;
    else sketch.add(series.key);
  }
  yield { at: lister.at, key: '', texts: [], sketch: sketch.pack() };
}

function* pieces(at: number, key: string, texts: ReadonlySet<string>): Generator<ListPiece> {
  const sorted = [...texts].sort(compareUtf8);
  for (let start = 0; start < sorted.length; start += pieceTextsMax)
    yield { at, key, texts: sorted.slice(start, start + pieceTextsMax) };
}
