import { gzipSync } from 'node:zlib';
import type { RandomChoice } from '../fresh/random-choice.ts';
import { bytesOf, type Door } from './door.ts';
import { batchKeys } from './random-graphite.ts';

const metrics = [
  'sys.cpu',
  'sys.cpu',
  'a',
  'a,b',
  'a b',
  'é',
  'a=b',
  'a"b',
  'time',
  '🙂',
  'x'.repeat(90),
  'a\\b',
];
const tagKeys = ['host', 'host', 'zone', 'a', 'é', 'time', 'k,1', 'a"'];
const tagValues = ['a', 'b', 'x=y', 'é', 'a,b', '"q"', '1', 'x'.repeat(90)];
const lineTimes = ['0', '1', '1500000000000', '150000000', '15000000000', '-150000000', '-100000000000', '+150000000', '9999999999', '0000000000', '0000000000001', 'now', '', '9999999999999']; // prettier-ignore
const lineValues = [
  '1',
  '-1.5',
  '1e3',
  '+1',
  '.5',
  '5.',
  '0x10',
  '0x1p4',
  '1_0',
  'NaN',
  'inf',
  '-Inf',
  '1e400',
  'x',
  '',
  '1i',
  '0',
  '-0',
  '1,5',
];
const jsonTimes = ['0', '1', '-1', '1500000000123', '9999999999', '10000000000', '1.5', '1e9', '15e8', '"1500000000"', 'null', '9223372036854775807', '9223372036854775808', '-9223372036', '[]', 'true']; // prettier-ignore
const jsonValues = ['1', '-1.5', '1e3', '1E+2', '0', '-0', '1e400', '"1"', '"x"', 'null', 'true', '{}', '01', '+1', '.5', '1.', 'NaN', '0.30000000000000004', '12345678901234567890']; // prettier-ignore
const jsonTags = ['{}', 'null', '[]', '""', '{"a":1}', '{"a":null}', '{"a":"b","a":"c"}', '{"a":{}}', '{"host":"\\u00e9\\ud83d\\ude42"}', '{"host":"\\ud800"}', '{"é":"x"}']; // prettier-ignore
const jsonKeys: Readonly<Record<string, readonly string[]>> = {
  metric: ['metric', 'metric', 'Metric', 'METRIC'],
  timestamp: ['timestamp', 'timestamp', 'timestamp', 'timestamp', 'timeStamp', 'time'],
  value: ['value', 'value', 'value', 'value', 'vaLue', 'values'],
  tags: ['tags', 'tags', 'tags', 'tags', 'TAGS', 'ta\\u0067s', 'tagſ'],
};

/** Connections of telnet and of HTTP, one after the other. */
export function randomOpenTsdb(random: RandomChoice, database: string): Door {
  const policy = random.chance(0.2) ? [`retention-policy = "${random.of(['', 'autogen', 'nosuch'])}"`] : []; // prettier-ignore
  const keys = [...batchKeys(random), ...policy, `consistency-level = "${random.of(['one', 'any', 'all', 'quorum'])}"`, `log-point-errors = ${random.of(['true', 'false'])}`]; // prettier-ignore
  // It makes the database, which HTTP does not.
  const first = bytesOf('put first 1500000000 1 a=b\n');
  const sends = Array.from({ length: random.integer(5, 25) }, () =>
    random.chance(0.4) ? bytesOf(telnet(random)) : exchange(random),
  );
  return { section: 'opentsdb', network: 'exchange', database, keys, sends: [first, ...sends] };
}

/** Of one shard: what is wrong in several is told of any of them there. */
function weekTime(random: RandomChoice): string {
  return String(random.integer(1_500_250_000, 1_500_850_000));
}

function telnet(random: RandomChoice): string {
  const end = (): string => random.of(['\n', '\n', '\n', '\r\n', '\n\n', ' \n']);
  const lines = Array.from({ length: random.of([1, 1, 2, 4]) }, () => putLine(random));
  return `${lines.map((line) => `${line}${end()}`).join('')}${random.maybe(0.1, () => putLine(random))}`; // prettier-ignore
}

function putLine(random: RandomChoice): string {
  if (random.chance(0.08)) return random.of(['version', 'version ', ' version', 'version 2', 'VERSION', 'exit', 'help', 'stats', 'put', 'put a', '', ' ', '\u0000', '\uf8ff', 'PUT a 1500000000 1 a=b']); // prettier-ignore
  const blank = (): string => (random.chance(0.9) ? ' ' : random.of(['  ', '\t', '\u00a0', '\v']));
  const time = random.chance(0.85) ? weekTime(random) : random.of(lineTimes); // prettier-ignore
  const value = random.chance(0.7) ? String(random.integer(-9_999, 9_999) / 8) : random.of(lineValues); // prettier-ignore
  const tags = Array.from(
    { length: random.of([0, 1, 1, 2, 3, 20]) },
    () =>
    random.chance(0.93) ? `${random.of(tagKeys)}=${random.of(tagValues)}` : random.of(['a', '=', 'a=', '=b', 'a==b', 'a=b=c', '==']), // prettier-ignore
  );
  const words = ['put', random.of(metrics), time, value, ...tags];
  return words.reduce((text, word) => `${text}${blank()}${word}`);
}

function exchange(random: RandomChoice): Buffer {
  const { path, method } = { path: random.chance(0.9) ? '/api/put' : random.of(['/api/put?details', '/api/put?summary=true', '/api/metadata/put', '/api/version', '/', '/api/put/', '//api/put', '/api/%70ut', '/API/PUT', '/api/../api/put']), method: random.chance(0.93) ? 'POST' : random.of(['GET', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH']) }; // prettier-ignore
  const text = bytesOf(json(random));
  const [body, encoding] = random.chance(0.15) ? packed(random, text) : [text, ''];
  const version = random.chance(0.95) ? '1.1' : '1.0';
  const type = random.maybe(0.5, () => `Content-Type: ${random.of(['application/json', 'text/plain', ''])}\r\n`); // prettier-ignore
  const isChunked = version === '1.1' && random.chance(0.15);
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const head = `${method} ${path} HTTP/${version}\r\nHost: x\r\nConnection: close\r\n${type}${encoding}${length}\r\n\r\n`; // prettier-ignore
  return Buffer.concat([Buffer.from(head), isChunked ? chunked(random, body) : body]);
}

function packed(random: RandomChoice, text: Buffer): [Buffer, string] {
  const whole = gzipSync(text);
  return random.of<() => [Buffer, string]>([
    () => [whole, 'Content-Encoding: gzip\r\n'],
    () => [whole, 'Content-Encoding: gzip\r\n'],
    () => [Buffer.concat([whole, gzipSync(Buffer.from(' '))]), 'Content-Encoding: gzip\r\n'],
    () => [text, 'Content-Encoding: gzip\r\n'],
    () => [whole, 'Content-Encoding: GZIP\r\n'],
    () => [text, 'Content-Encoding: identity\r\n'],
    () => [whole, ''],
  ])();
}

function chunked(random: RandomChoice, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = Math.min(body.length, at + random.integer(1, 60));
    parts.push(Buffer.from(`${(end - at).toString(16)}\r\n`), body.subarray(at, end), Buffer.from('\r\n')); // prettier-ignore
    at = end;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function json(random: RandomChoice): string {
  if (random.chance(0.08)) return random.of(['', ' ', '[]', '[', '{', 'null', '"x"', '[[]]', '[1]', '\ufeff{}', ' {"metric":"a"}', '\n[]', '{"metric":"a"', '[{},]', '[,]']); // prettier-ignore
  const point = (): string => object(random);
  const text = random.chance(0.5) ? point() : `[${Array.from({ length: random.of([1, 2, 3, 30]) }, point).join(random.of([',', ', ', ',\n']))}]`; // prettier-ignore
  if (random.chance(0.04)) return text.slice(0, random.integer(1, text.length));
  return `${text}${random.maybe(0.06, () => random.of([' ', 'x', '{}', '\u0000', ']']))}`;
}

function object(random: RandomChoice): string {
  const pairs = [
    ['metric', random.chance(0.9) ? JSON.stringify(random.of(metrics)) : random.of(['1', '"\\u0041"', '"a\\/b"', '[]'])],
    ['timestamp', random.chance(0.85) ? weekTime(random) : random.of(jsonTimes)],
    ['value', random.chance(0.8) ? String(random.integer(-9_999, 9_999) / 8) : random.of(jsonValues)],
    ['tags', random.chance(0.8) ? JSON.stringify({ [random.of(tagKeys)]: random.of(tagValues), [random.of(tagKeys)]: random.of(tagValues) }) : random.of(jsonTags)],
    ...(random.chance(0.05) ? [['other', random.of(['1', '{"a":[1,2,{}]}', 'null', '[[[]]]', '"\\"'])]] : []),
  ] as const; // prettier-ignore
  const some = pairs.filter(([name]) => name === 'metric' || random.chance(0.97));
  const key = (name: string): string => (random.chance(0.9) ? name : random.of(jsonKeys[name] ?? [name])); // prettier-ignore
  const colon = random.of([':', ':', ': ', ' :']);
  return `{${random.shuffled(some).map(([name, value]) => `"${key(name)}"${colon}${value}`).join(',')}}`; // prettier-ignore
}
