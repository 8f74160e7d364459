import { expect, test } from 'vitest';
import { MemorySource, type MemoryPoint } from '../../../../test/support/memory-source.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import { regexCache } from '../../../influxql/regex.ts';
import { Prng } from '../../../base/prng.ts';
import type { Predicate } from '../../../query/predicate.ts';
import { listSchema } from './list-schema.ts';
import type { ListRequest } from './schema-list.ts';

function point(host: string, region: string, fields: MemoryPoint['fields']): MemoryPoint {
  const tags = { ...(host !== '' && { host }), ...(region !== '' && { region }) };
  return { measurement: 'cpu', tags, fields, timeNs: 1n };
}

const shards = [
  new MemorySource([point('b', 'eu', { v: 1 }), point('a', 'us', { v: 1, w: 'x' })]),
  new MemorySource([point('c', '', { v: 1n }), point('a', 'us', { v: 1n }), point('', 'eu', {})]),
];

function list(
  of: ListRequest['of'],
  rest: { predicate?: Predicate; tagKeys?: readonly string[]; textsMax?: number } = {},
  from: readonly MemorySource[] = shards,
): string[] {
  const request = { of, shardIds: [], measurements: [{ name: 'none' }, { name: 'cpu', ...rest }] };
  const pieces = [...listSchema(from, request, regexCache())];
  return pieces.flatMap((piece) =>
    piece === undefined ? [] : piece.texts.map((text) => `${piece.at}${piece.key}:${text}`),
  );
}

const inEurope: Predicate = {
  kind: 'compare',
  operator: '=',
  left: { kind: 'tag', name: 'region' },
  right: { kind: 'constant', value: 'eu' },
};
const isNamed: Predicate = {
  kind: 'match',
  operand: { kind: 'tag', name: 'host' },
  pattern: '[bc]',
  negated: false,
};

test('schema lists: series of all shards, each once, in order', () => {
  expect(list('series')).toEqual([
    '1:cpu,host=a,region=us',
    '1:cpu,host=b,region=eu',
    '1:cpu,host=c',
    '1:cpu,region=eu',
  ]);
  expect(list('series', { predicate: inEurope })).toEqual(['1:cpu,host=b,region=eu', '1:cpu,region=eu']); // prettier-ignore
  expect(list('series', { predicate: isNamed })).toEqual(['1:cpu,host=b,region=eu', '1:cpu,host=c']); // prettier-ignore
});

test('schema lists: keys and values of tags', () => {
  expect(list('tag-keys')).toEqual(['1:host', '1:region']);
  expect(list('tag-keys', { predicate: { ...isNamed, pattern: 'c' } })).toEqual(['1:host']);
  const tagKeys = ['host', 'none', 'region'];
  expect(list('tag-values', { tagKeys })).toEqual(['1host:a', '1host:b', '1host:c', '1region:eu', '1region:us']); // prettier-ignore
  expect(list('tag-values', { tagKeys, predicate: inEurope })).toEqual(['1host:b', '1region:eu']);
});

test('schema lists: values come once and in order of their bytes, however the parts of an index list them', () => {
  const listed = (...lists: readonly (readonly string[])[]) =>
    Object.assign(new MemorySource([]), { tagValueLists: () => lists });
  const inPages = listed(['a', 'c'], ['e', 'x y'], ['x,z', '\u{1f388}']);
  const inTables = listed(['b', 'a', '\uff5e'], [], ['e', 'd']);
  const all = ['a', 'b', 'c', 'd', 'e', 'x y', 'x,z', '\uff5e', '\u{1f388}'].map((value) => `1host:${value}`); // prettier-ignore
  for (const from of [
    [inPages, inTables, listed()],
    [inTables, inPages, inTables],
  ]) {
    expect(list('tag-values', { tagKeys: ['host'] }, from)).toEqual(all);
    for (const textsMax of [1, 4, 9, 10])
      expect(list('tag-values', { tagKeys: ['host'], textsMax }, from)).toEqual(all.slice(0, textsMax)); // prettier-ignore
  }
});

test('schema lists: a field of two types is in both lists', () => {
  expect(list('field-types')).toEqual(['1float:v', '1integer:v', '1string:w']);
});

test('schema lists: sketches count the series that pass', () => {
  const request: ListRequest = {
    of: 'series-sketch',
    shardIds: [],
    measurements: [{ name: 'cpu' }, { name: 'cpu', predicate: inEurope }],
  };
  const counts = [...listSchema(shards, request, regexCache())].flatMap((piece) =>
    piece?.sketch === undefined ? [] : [HyperLogLog.unpack(piece.sketch).estimate()],
  );
  expect(counts).toEqual([4, 2]);
  const whole = [...listSchema(shards, { of: 'whole-sketch', shardIds: [], measurements: [] }, regexCache())]; // prettier-ignore
  expect(whole.flatMap((piece) => piece ?? []).map(({ sketch }) => HyperLogLog.unpack(sketch ?? new Uint32Array()).estimate())).toEqual([4]); // prettier-ignore
});

test('schema lists: values of many shards, some the same, some of one shard, some of none, each once and in order', () => {
  const prng = Prng.fromSeed(11);
  const tails = ['', 'é', '\uff5e', '\u{1f388}'];
  const values = Array.from({ length: 40 }, () => {
    const count = prng.u32() % 3 === 0 ? 0 : prng.u32() % 60;
    return Array.from({ length: count }, () => `h${prng.u32() % 300}${tails[prng.u32() % 4] ?? ''}`); // prettier-ignore
  });
  const many = values.map((hosts) => new MemorySource(hosts.map((host) => point(host, '', { v: 1 })))); // prettier-ignore
  const measurements = [{ name: 'cpu', tagKeys: ['host'] }];
  const asked = { of: 'tag-values', shardIds: [], measurements } as const;
  const listed = [...listSchema(many, asked, regexCache())].flatMap((piece) => piece?.texts ?? []);
  expect(listed).toEqual([...new Set(values.flat())].sort(compareUtf8));
});
