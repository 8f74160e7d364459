/**
 * Which series a delete means, as shards remember it for what comes late (storage/store/deletes/stored-deletes.ts): for each measurement
 * its name and condition in base64, parted by spaces.
 */
import { regexCache } from '../../influxql/regex.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { decodePredicate, encodePredicate } from '../../query/fragment-codec.ts';
import { specialize, type MatcherFactory, type Predicate } from '../../query/predicate.ts';
import type { ShardView } from '../../storage/engine/shard-view.ts';
import type { DeleteFilters, SelectedSeries } from '../../storage/store/deletes/stored-deletes.ts';
import type { ListedMeasurement } from './lists/schema-list.ts';
import { passingSeries } from './select-series.ts';

export function filterOf(measurements: readonly ListedMeasurement[]): string {
  return measurements
    .map(({ name, predicate }) => {
      const condition = predicate === undefined ? '' : `.${base64(encodePredicate(predicate))}`;
      return `${base64(new TextEncoder().encode(name))}${condition}`;
    })
    .join(' ');
}

/** Throws `corrupt` for what filterOf() has not written. */
export function measurementsOf(filter: string): readonly ListedMeasurement[] {
  if (filter === '') return [];
  return filter.split(' ').map((part) => {
    const [name = '', condition] = part.split('.');
    const predicate = condition === undefined ? undefined : decodePredicate(bytesOf(condition));
    return { name: Buffer.from(name, 'base64').toString('utf8'), predicate };
  });
}

/** `turn` lets others run while series are looked at. */
export function deleteFilters(turn: () => Promise<void>): DeleteFilters {
  const matcher = regexCache();
  return {
    test: (filter) => {
      const wanted = new Map(
        measurementsOf(filter).map(({ name, predicate }) => [name, predicate]),
      );
      return (seriesKey, measurement) =>
        wanted.has(measurement) && passes(wanted.get(measurement), seriesKey, matcher);
    },
    select: (filter, view) => selectSeries(view, measurementsOf(filter), { matcher, turn }),
  };
}

/** Of each measurement the series that pass. */
export async function* selectSeries(
  view: ShardView,
  measurements: readonly ListedMeasurement[],
  { matcher, turn }: { readonly matcher: MatcherFactory; readonly turn: () => Promise<void> },
): AsyncGenerator<SelectedSeries> {
  for (const measurement of measurements) {
    const { name, predicate } = measurement;
    const seriesIds =
      predicate === undefined
        ? view.seriesIdsByPart(name)
        : await passingIds(view, measurement, { matcher, turn });
    if (seriesIds.length > 0)
      yield { measurement: name, seriesIds, isWhole: predicate === undefined };
  }
}

async function passingIds(
  view: ShardView,
  measurement: ListedMeasurement,
  { matcher, turn }: { readonly matcher: MatcherFactory; readonly turn: () => Promise<void> },
): Promise<Uint32Array> {
  const ids: number[] = [];
  for (const series of passingSeries(view, measurement, matcher)) {
    if (series === undefined) await turn();
    else ids.push(series.id);
  }
  return Uint32Array.from(ids);
}

function passes(
  predicate: Predicate | undefined,
  seriesKey: Uint8Array,
  matcher: MatcherFactory,
): boolean {
  if (predicate === undefined) return true;
  const { tags } = parseSeriesKey(new TextDecoder().decode(seriesKey));
  const values = new Map(tags.map(({ key, value }) => [key, value]));
  return specialize(predicate, values, matcher) !== false;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
