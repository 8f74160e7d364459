import { exactBytesOf } from '../../base/exact-text.ts';
import { joinBytes } from '../../codec/bytes.ts';
import { canBeginLine, seriesKey } from '../../models/series-key.ts';
import { WireReader } from './wire-reader.ts';

/** Numbers of the fields of Prometheus' remote write (prompb, spec 4.4). */
const fields = { timeseries: 1, labels: 1, samples: 2, name: 1, value: 1, labelValue: 2, time: 2 };

/** The measurement of a series without a name, as the reference has it. */
const unnamed = 'prom_metric_not_specified';
const nameLabel = '__name__';
/** So many samples become lines before others have their turn. */
const samplesOfTurn = 2_000;

/**
 * The samples of a WriteRequest as lines: measurement by the label `__name__`, which stays a tag as well, the field
 * `value`, times in milliseconds. Samples that are no number or without bound are left out, as in the reference. Metadata,
 * exemplars and histograms are passed over. Series with a line break or a last backslash in a label, or a name that begins as a
 * comment does, are no lines: they are counted. Throws `invalid_argument` for what is no WriteRequest.
 */
export async function writeRequestLines(
  message: Uint8Array,
  turn: () => Promise<void>,
): Promise<RemoteWrite> {
  const parts: Uint8Array[] = [];
  let lines = '';
  let sampleCount = 0;
  let refused: RemoteWrite['refused'];
  const request = new WireReader(message);
  for (let field = request.next(); field !== undefined; field = request.next()) {
    if (field !== fields.timeseries) {
      request.skip();
      continue;
    }
    const { key, samples, oddLabel } = seriesOf(request.message());
    if (oddLabel !== undefined) {
      refused = {
        reason: refused?.reason ?? `label that no line can hold: ${JSON.stringify(oddLabel)}`,
        count: (refused?.count ?? 0) + samples.length,
      };
      continue;
    }
    for (const { value, timeMs } of samples) {
      if (Number.isFinite(value))
        lines += `${key} value=${Object.is(value, -0) ? '-0' : value} ${timeMs}\n`;
      if (++sampleCount % samplesOfTurn !== 0) continue;
      parts.push(exactBytesOf(lines));
      lines = '';
      await turn();
    }
  }
  parts.push(exactBytesOf(lines));
  return { lines: joinBytes(...parts), refused };
}

export interface RemoteWrite {
  readonly lines: Uint8Array;
  readonly refused: { readonly reason: string; readonly count: number } | undefined;
}

interface RemoteSeries {
  readonly key: string;
  readonly samples: readonly Sample[];
  /** A name or a value that the line protocol has no way to write. */
  readonly oddLabel: string | undefined;
}

interface Sample {
  readonly value: number;
  readonly timeMs: bigint;
}

function seriesOf(series: WireReader): RemoteSeries {
  const labels = new Map<string, string>();
  const samples: Sample[] = [];
  for (let field = series.next(); field !== undefined; field = series.next()) {
    if (field === fields.labels) {
      const [name, value] = labelOf(series.message());
      labels.set(name, value);
    } else if (field === fields.samples) samples.push(sampleOf(series.message()));
    else series.skip();
  }
  const measurement = labels.get(nameLabel) ?? unnamed;
  const tags = [...labels].flatMap(([key, value]) => (value === '' ? [] : [{ key, value }]));
  const texts = [measurement, ...tags.flatMap(({ key, value }) => [key, value])];
  const isOdd = (text: string): boolean => text.includes('\n') || text.endsWith('\\');
  const oddLabel = canBeginLine(measurement) ? texts.find(isOdd) : measurement;
  return { key: seriesKey(measurement, tags), samples, oddLabel };
}

function labelOf(label: WireReader): readonly [name: string, value: string] {
  let name = '';
  let value = '';
  for (let field = label.next(); field !== undefined; field = label.next()) {
    if (field === fields.name) name = label.text();
    else if (field === fields.labelValue) value = label.text();
    else label.skip();
  }
  return [name, value];
}

function sampleOf(sample: WireReader): Sample {
  let value = 0;
  let timeMs = 0n;
  for (let field = sample.next(); field !== undefined; field = sample.next()) {
    if (field === fields.value) value = sample.double();
    else if (field === fields.time) timeMs = sample.int64();
    else sample.skip();
  }
  return { value, timeMs };
}
