/** Long answers in parts, so that no message is as long as an answer may be. */
import type { MeasurementDescription, ShardsDescription } from '../engine/shard-access.ts'; // prettier-ignore

/** Of the names in a part. */
const partLengthMax = 262_144;
/** What a name costs beside its text. */
const nameLength = 16;

/** The lists of all parts together are the description; a measurement in several of them is the last and the first. */
export function* descriptionParts(description: ShardsDescription): Generator<ShardsDescription> {
  let measurements: MeasurementDescription[] = [];
  let length = 0;
  const { lanes, stampNs, mark } = description;
  yield { measurements: [], lanes, stampNs, mark };
  for (const measurement of description.measurements)
    for (const piece of measurementPieces(measurement)) {
      measurements.push(piece);
      length += lengthOf(piece);
      if (length < partLengthMax) continue;
      yield { measurements, lanes: [] };
      measurements = [];
      length = 0;
    }
  if (measurements.length > 0) yield { measurements, lanes: [] };
}

function* measurementPieces(
  measurement: MeasurementDescription,
): Generator<MeasurementDescription> {
  const { name, fields, tagKeys } = measurement;
  let isFirst = true;
  const fieldRuns = runs(fields, ([field]) => field);
  for (const run of fieldRuns) {
    yield { name, fields: run, tagKeys: isFirst ? tagKeys : [] };
    isFirst = false;
  }
  if (isFirst) yield { name, fields: [], tagKeys };
}

function lengthOf({ name, fields, tagKeys }: MeasurementDescription): number {
  const names = [name, ...fields.map(([field]) => field), ...tagKeys];
  return names.reduce((sum, one) => sum + one.length + nameLength, 0);
}

/** Items in runs of so much text each. */
function* runs<T>(items: readonly T[], textOf: (item: T) => string): Generator<readonly T[]> {
  let start = 0;
  let length = 0;
  for (const [i, item] of items.entries()) {
    length += textOf(item).length + nameLength;
    if (length < partLengthMax) continue;
    yield items.slice(start, i + 1);
    start = i + 1;
    length = 0;
  }
  if (start < items.length) yield items.slice(start);
}
