import { compressSync } from 'snappy';
import type { RandomChoice } from '../fresh/random-choice.ts';
import { bytesOf } from './door.ts';

/** A write or a read of Prometheus, packed or broken. */
export interface PrometheusRequest {
  readonly path: string;
  readonly body: Buffer;
  /** What it says. */
  readonly text: string;
}

const names = ['up', 'up', 'http_total', 'cpu:rate5m', 'a b', 'é', 'x'.repeat(80), ''];
const labelNames = ['job', 'job', 'instance', 'le', 'é', 'value', 'a b', '_x'];
const labelValues = [
  'a',
  'a',
  'b',
  'node:9100',
  '',
  '+Inf',
  'x y',
  'é',
  'a,b=c',
  'A',
  '"q"',
  'a\\b',
];
const values = [1, -1.5, 0, -0, 1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 1e21]; // prettier-ignore
/** The bits by which Prometheus says that a series has ended. */
const stale = Buffer.from('020000000000f07f', 'hex');
const patterns = ['', 'a', 'a|b', '.*', '.+', '(?i)A', 'node:.*', '^a$', 'a$', '[', '(', '\\d+', 'é', '.', '(a)(b)?', '\\', 'a{2', '(?P<x>a)', '[^a]*', 'x y', '\\Qa\\E', 'up|http_total', '(?:']; // prettier-ignore

function uvarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

function numberField(field: number, value: bigint): Buffer {
  return Buffer.concat([uvarint(BigInt(field << 3)), uvarint(value)]);
}

function bytesField(field: number, value: Buffer): Buffer {
  return Buffer.concat([uvarint(BigInt((field << 3) | 2)), uvarint(BigInt(value.length)), value]);
}

function doubleField(field: number, value: Buffer): Buffer {
  return Buffer.concat([uvarint(BigInt((field << 3) | 1)), value]);
}

function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function prometheusWrite(random: RandomChoice): PrometheusRequest {
  const told: string[] = [];
  const series = Array.from({ length: random.of([1, 1, 2, 5]) }, () => {
    const name = random.of(names);
    const count = random.of([0, 1, 1, 2, 3, 40]);
    const drawn = Array.from({ length: count }, (_, i) => [count > 3 ? `l${i}` : random.of(labelNames), random.of(labelValues)] as const); // prettier-ignore
    const labels = [...(random.chance(0.95) && name !== '' ? [['__name__', name] as const] : []), ...drawn]; // prettier-ignore
    const samples = Array.from({ length: random.of([0, 1, 1, 3, 10]) }, () => {
      const value = random.chance(0.03) ? stale : doubleBytes(random.chance(0.6) ? random.integer(-999, 999) / 4 : random.of(values)); // prettier-ignore
      const time = random.chance(0.95) ? BigInt(random.integer(0, 5_000)) : random.of([-1n, 1_500_000_000_000n]); // prettier-ignore
      return { value, time };
    });
    told.push(`${JSON.stringify(labels)} ${samples.map(({ value, time }) => `${value.readDoubleLE()}@${time}`).join(' ')}`); // prettier-ignore
    const parts = [
      ...labels.map(([key, value]) => bytesField(1, Buffer.concat([bytesField(1, bytesOf(key)), bytesField(2, bytesOf(value))]))), // prettier-ignore
      ...samples.map(({ value, time }) => bytesField(2, Buffer.concat([doubleField(1, value), numberField(2, time)]))), // prettier-ignore
      // An exemplar and a histogram, which nobody reads.
      ...(random.chance(0.05) ? [bytesField(3, Buffer.from([])), bytesField(4, Buffer.from([]))] : []), // prettier-ignore
    ];
    return bytesField(1, Buffer.concat(random.chance(0.1) ? random.shuffled(parts) : parts));
  });
  const metadata = random.chance(0.1) ? [bytesField(3, numberField(1, 2n))] : [];
  return { path: `/api/v1/prom/write?${target(random)}`, body: packed(random, Buffer.concat([...series, ...metadata])), text: told.join(' | ') }; // prettier-ignore
}

export function prometheusRead(random: RandomChoice): PrometheusRequest {
  const told: string[] = [];
  const queries = Array.from({ length: random.chance(0.97) ? 1 : random.of([0, 2]) }, () => {
    const start = BigInt(random.chance(0.8) ? random.integer(-5, 3_000) : random.of([0, 5_000]));
    const end = start + BigInt(random.of([0, 1, 500, 5_000, 1_600_000_000]));
    const matchers = Array.from({ length: random.of([0, 1, 1, 1, 2, 2, 3]) }, (_, i) => {
      const type = random.chance(0.99) ? random.integer(0, 3) : 7;
      const name = i === 0 && random.chance(0.7) ? '__name__' : random.of([...labelNames, '__name__', '', '_field', '_measurement', 'l3', 'time']); // prettier-ignore
      const value = type >= 2 ? random.of(patterns) : random.of(name === '__name__' ? names : labelValues); // prettier-ignore
      told.push(`${name} ${type} ${value}`);
      return bytesField(3, Buffer.concat([...(type === 0 ? [] : [numberField(1, BigInt(type))]), bytesField(2, bytesOf(name)), bytesField(3, bytesOf(value))])); // prettier-ignore
    });
    told.push(`[${start}, ${end})`);
    return bytesField(1, Buffer.concat([numberField(1, start), numberField(2, end), ...matchers]));
  });
  const accepted = random.chance(0.1) ? [numberField(2, random.of([0n, 1n]))] : [];
  return { path: `/api/v1/prom/read?${target(random)}`, body: packed(random, Buffer.concat([...queries, ...accepted])), text: told.join(' | ') }; // prettier-ignore
}

function target(random: RandomChoice): string {
  const database = random.chance(0.97) ? 'db=prom' : random.of(['', 'db=', 'db=nosuch']);
  const policy = random.chance(0.95) ? '' : random.of(['&rp=autogen', '&rp=', '&rp=nosuch']);
  return `${database}${policy}${random.maybe(0.03, () => random.of(['&consistency=one', '&consistency=x']))}`; // prettier-ignore
}

/** Mostly snappy. */
function packed(random: RandomChoice, message: Buffer): Buffer {
  if (random.chance(0.97)) return compressSync(random.chance(0.98) ? message : message.subarray(0, random.integer(0, message.length))); // prettier-ignore
  const whole = compressSync(message);
  return random.of([message, Buffer.alloc(0), whole.subarray(0, whole.length - 1), Buffer.from([1, 2, 3]), Buffer.concat([whole, Buffer.from([0])])]); // prettier-ignore
}
