/** Random writes and reads of Prometheus: answers of ours and of a real influxd have to say the same. */
import { uncompressSync } from 'snappy';
import { WireReader } from '../../../src/http/prometheus/wire-reader.ts';
import { RandomChoice } from '../fresh/random-choice.ts';
import { prometheusRead, prometheusWrite, type PrometheusRequest } from './random-prometheus.ts';

export interface PrometheusOutcome {
  readonly sent: string;
  readonly ours: string;
  readonly theirs: string;
}

/** There is something to read then. */
const writesFirst = 60;
const messageType = 'application/x-protobuf';

export async function* runPrometheus(
  urls: { readonly ours: string; readonly theirs: string },
  { seed, count }: { readonly seed: number; readonly count: number },
): AsyncGenerator<PrometheusOutcome> {
  for (const url of [urls.ours, urls.theirs]) {
    const body = new URLSearchParams({ q: 'CREATE DATABASE prom' });
    await (await fetch(`${url}/query`, { method: 'POST', body })).text();
  }
  const random = new RandomChoice(seed, 'prometheus');
  for (let i = 0; i < count; i++) {
    const isRead = random.chance(i < writesFirst ? 0.2 : 0.8);
    const request = isRead ? prometheusRead(random) : prometheusWrite(random);
    const [ours, theirs] = await Promise.all([send(urls.ours, request), send(urls.theirs, request)]); // prettier-ignore
    yield { sent: `${request.path} ${request.text}`, ours, theirs };
  }
}

async function send(url: string, { path, body }: PrometheusRequest): Promise<string> {
  // Theirs packs what is packed already where it may.
  const headers = { 'Content-Encoding': 'snappy', 'Content-Type': messageType, 'Accept-Encoding': 'identity' }; // prettier-ignore
  const answer = await fetch(url + path, { method: 'POST', body: new Uint8Array(body), headers });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get('content-type');
  // What is wrong with a pattern is told there once the database is known.
  if (!answer.ok && bytes.includes('error parsing regexp')) return 'no database or no pattern';
  if (bytes.includes('"no database"') || bytes.includes('"invalid retention policy"')) return 'no database or no pattern'; // prettier-ignore
  const text =
    type === messageType
      ? seriesIn(Buffer.from(uncompressSync(bytes))).join('\n')
      : bytes.toString();
  return `${answer.status} ${type ?? ''} ${text}`;
}

/** Of a ReadResponse, in no order: labels, and samples in theirs. */
function seriesIn(message: Uint8Array): readonly string[] {
  const all: string[] = [];
  for (const [, result] of messagesOf(new WireReader(message)))
    for (const [, series] of messagesOf(result)) {
      const parts = [...messagesOf(series)].map(([field, part]) => field === 1 ? labelText(part) : sampleText(part)); // prettier-ignore
      all.push(parts.join(' '));
    }
  return all.sort();
}

function* messagesOf(reader: WireReader): Generator<readonly [field: number, message: WireReader]> {
  for (let field = reader.next(); field !== undefined; field = reader.next())
    yield [field, reader.message()];
}

function labelText(label: WireReader): string {
  const texts: string[] = [];
  while (label.next() !== undefined) texts.push(label.text());
  return JSON.stringify(texts);
}

function sampleText(sample: WireReader): string {
  let [value, timeMs] = [0, 0n];
  for (let field = sample.next(); field !== undefined; field = sample.next())
    if (field === 1) value = sample.double();
    else timeMs = sample.int64();
  return `${Object.is(value, -0) ? '-0' : value}@${timeMs}`;
}
