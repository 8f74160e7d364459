/**
 * Which series a delete means, as shards remember it for what comes late (storage/store/deletes/stored-deletes.ts): for each measurement
 * its name and condition in base64, parted by spaces.
 */
import { exactBytesOf, exactTextIn, exactTextOf } from '../../base/exact-text.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import { regexCache } from '../../influxql/regex.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { decodePredicate, encodePredicate } from '../../query/fragment-codec.ts';
import { specialize, type MatcherFactory, type Predicate } from '../../query/predicate.ts';
import type { ShardView } from '../../storage/engine/shard-view.ts';
import type { SelectedSeries } from '../../storage/engine/delete-points.ts';
import type { DeleteFilters } from '../../storage/store/deletes/stored-deletes.ts';
import type { ListedMeasurement } from './lists/schema-list.ts';
import { passingSeries } from './select-series.ts';

export function filterOf(measurements: readonly ListedMeasurement[]): string {
  return measurements
    .map(({ name, predicate }) => {
      const condition = predicate === undefined ? '' : `.${base64(encodePredicate(predicate))}`;
      return `${base64(exactBytesOf(name))}${condition}`;
    })
    .join(' ');
}

/** Throws `corrupt` for what filterOf() has not written. */
export function measurementsOf(filter: string): readonly ListedMeasurement[] {
  if (filter === '') return [];
  return filter.split(' ').map((part) => {
    const [name = '', condition] = part.split('.');
    const predicate = condition === undefined ? undefined : decodePredicate(bytesOf(condition));
    return { name: exactTextIn(Buffer.from(name, 'base64')), predicate };
  });
}

/** With `ports` others run while series are looked at. */
export function deleteFilters(ports: SlicePorts): DeleteFilters {
  const matcher = regexCache();
  return {
    test: filterTests(),
    select: (filter, view) => selectSeries(view, measurementsOf(filter), { ...ports, matcher }),
  };
}

/** Whether a filter means a series, by its key and measurement. */
export function filterTests(): DeleteFilters['test'] {
  const matcher = regexCache();
  return (filter) => {
    const wanted = new Map(measurementsOf(filter).map(({ name, predicate }) => [name, predicate]));
    return (seriesKey, measurement) =>
      wanted.has(measurement) && passes(wanted.get(measurement), seriesKey, matcher);
  };
}

export interface SelectPorts extends SlicePorts {
  readonly matcher: MatcherFactory;
}

/** Of each measurement the series that pass. */
export async function* selectSeries(
  view: ShardView,
  measurements: readonly ListedMeasurement[],
  ports: SelectPorts,
): AsyncGenerator<SelectedSeries> {
  for (const measurement of measurements) {
    const { name, predicate } = measurement;
    const seriesIds =
      predicate === undefined
        ? view.seriesIdsByPart(name)
        : Uint32Array.from(await passingIds(view, measurement, ports));
    if (seriesIds.length > 0)
      yield { measurement: name, seriesIds, isWhole: predicate === undefined };
  }
}

/** Whether a series passes, without a look at the others. */
export async function isAnySelected(
  view: ShardView,
  measurements: readonly ListedMeasurement[],
  ports: SelectPorts,
): Promise<boolean> {
  for (const measurement of measurements) {
    const isAny =
      measurement.predicate === undefined
        ? view.hasSeries(measurement.name)
        : (await passingIds(view, measurement, { ...ports, countMax: 1 })).length > 0;
    if (isAny) return true;
  }
  return false;
}

async function passingIds(
  view: ShardView,
  measurement: ListedMeasurement,
  { matcher, countMax = Infinity, ...ports }: SelectPorts & { readonly countMax?: number },
): Promise<readonly number[]> {
  const slices = new Slices(ports);
  const ids: number[] = [];
  for (const id of passingSeries(view, measurement, matcher)) {
    if (id === undefined) await slices.next();
    else if (ids.push(id) >= countMax) break;
  }
  return ids;
}

function passes(
  predicate: Predicate | undefined,
  seriesKey: Uint8Array,
  matcher: MatcherFactory,
): boolean {
  if (predicate === undefined) return true;
  const { tags } = parseSeriesKey(exactTextOf(seriesKey));
  const values = new Map(tags.map(({ key, value }) => [key, value]));
  return specialize(predicate, values, matcher) !== false;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
