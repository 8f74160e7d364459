import { encrypted, numberPart, part, signed } from '../../support/collectd-datagram.ts';
import type { RandomChoice } from '../fresh/random-choice.ts';
import { bytesOf, type Door } from './door.ts';
import { batchKeys } from './random-graphite.ts';

/** A file of types for both. */
export const typesDb = `# of both
gauge  value:GAUGE:U:U
counter value:COUNTER:U:U
derive\tvalue:DERIVE:0:U
load   shortterm:GAUGE:0:5000, midterm:GAUGE:0:5000, longterm:GAUGE:0:5000
if_octets rx:DERIVE:0:U, tx:DERIVE:0:U
odd    a b:GAUGE:U:U, é:GAUGE:0:U
mixed  g:GAUGE:U:U, d:DERIVE:U:U, c:COUNTER:U:U
df     used:GAUGE:0:1125899906842623, free:GAUGE:0:1125899906842623
`;
export const authFile = 'alice: wonderland\nbob: builder\n';

/** Kinds of the sources of a type. */
const types: Readonly<Record<string, readonly number[]>> = {
  gauge: [1],
  counter: [0],
  derive: [2],
  load: [1, 1, 1],
  if_octets: [2, 2],
  odd: [1, 1],
  mixed: [1, 2, 0],
  df: [1, 1],
  unknown: [1],
};
const hosts = ['h', 'web 01', 'a,b=c', 'é', '\uf8ff', '', 'x'.repeat(120)];
const plugins = ['cpu', 'df', 'load', 'p x', 'p,y', 'é', '1'];
const instances = ['', '', '0', 'root', 'a=b', 'x y', '\uf8e9'];
const users = [
  { name: 'alice', password: 'wonderland' },
  { name: 'bob', password: 'builder' },
  { name: 'bob', password: 'wrong' },
  { name: 'nobody', password: 'x' },
];
/** As far as the reference reads. */
const datagramBytesMax = 1_452;

/** Datagrams of collectd's plugin `network`, whole and broken, signed and encrypted. */
export function randomCollectd(
  random: RandomChoice,
  database: string,
  paths: { readonly types: string; readonly auth: string },
): Door {
  const keys = [
    `typesdb = "${paths.types}"`,
    `auth-file = "${paths.auth}"`,
    `security-level = "${random.of(['none', 'sign', 'encrypt'])}"`,
    `parse-multivalue-plugin = "${random.of(['split', 'join'])}"`,
    ...batchKeys(random),
  ];
  const sends = Array.from({ length: random.integer(5, 40) }, () => datagram(random));
  return { section: 'collectd', network: 'udp', database, keys, sends };
}

function datagram(random: RandomChoice): Buffer {
  const plain = body(random);
  const wrapped = random.of([
    () => plain,
    () => plain,
    () => encrypted(plain, random.of(users)),
    () => signed(plain, random.of(users)),
    () => Buffer.concat([plain, encrypted(body(random), random.of(users))]),
    () => signed(encrypted(plain, random.of(users)), random.of(users)),
  ])();
  const cut = random.chance(0.05) ? wrapped.subarray(0, random.integer(1, wrapped.length)) : wrapped; // prettier-ignore
  return flipped(random, cut.subarray(0, datagramBytesMax));
}

function flipped(random: RandomChoice, bytes: Buffer): Buffer {
  if (!random.chance(0.05)) return bytes;
  const copy = Buffer.from(bytes);
  const at = random.integer(0, copy.length - 1);
  // What becomes an absolute value is taken here, and drops its datagram there.
  copy[at] = copy[at]! ^ random.of([1, 4, 16, 128]);
  return copy;
}

function body(random: RandomChoice): Buffer {
  const parts: Buffer[] = [textPartOf(0, random.of(hosts))];
  parts.push(timePart(random));
  for (let i = random.of([1, 1, 2, 4]); i > 0; i--) {
    if (random.chance(0.3)) parts.push(timePart(random));
    if (random.chance(0.6)) parts.push(random.of([numberPart(7, 10n), numberPart(9, 10n << 30n)]));
    if (random.chance(0.8) || parts.length < 4) parts.push(textPartOf(2, random.of(plugins)));
    if (random.chance(0.4)) parts.push(textPartOf(3, random.of(instances)));
    const [type, kinds] = random.of(Object.entries(types));
    parts.push(textPartOf(4, type));
    if (random.chance(0.4)) parts.push(textPartOf(5, random.of(instances)));
    if (random.chance(0.05)) parts.push(random.of([textPartOf(0x100, 'a message'), numberPart(0x101, 4n), part(0x7777, Buffer.alloc(3)), textPartOf(0, 'other')])); // prettier-ignore
    parts.push(valuesOf(random, kinds));
  }
  return Buffer.concat(parts);
}

function timePart(random: RandomChoice): Buffer {
  const seconds = BigInt(random.integer(1_500_000_000, 1_500_999_999));
  if (random.chance(0.5)) return numberPart(8, (seconds << 30n) + BigInt(random.integer(0, 2 ** 30 - 1))); // prettier-ignore
  return numberPart(1, random.chance(0.9) ? seconds : random.of([1n, -1n, 9_223_372_036n, 9_223_372_037n])); // prettier-ignore
}

function textPartOf(kind: number, text: string): Buffer {
  return part(kind, Buffer.concat([bytesOf(text), Buffer.alloc(1)]));
}

function valuesOf(random: RandomChoice, kinds: readonly number[]): Buffer {
  const shown = random.chance(0.9) ? kinds : random.of([[1], [0, 0], [2], [1, 2, 0, 1]]);
  const values = Buffer.alloc(shown.length * 8);
  for (const [i, kind] of shown.entries())
    if (kind === 1) values.writeDoubleLE(random.of([random.integer(-999, 999) / 4, 0, -0, Number.NaN, Infinity, 1e300, 5e-324]), i * 8); // prettier-ignore
    else values.writeBigUInt64BE(random.of([0n, 1n, 77n, (1n << 53n) + 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]), i * 8); // prettier-ignore
  const head = Buffer.alloc(2 + shown.length);
  head.writeUInt16BE(shown.length, 0);
  for (const [i, kind] of shown.entries()) head[2 + i] = random.chance(0.97) ? kind : random.of([0, 1, 2, 9]); // prettier-ignore
  return part(6, Buffer.concat([head, values]));
}
