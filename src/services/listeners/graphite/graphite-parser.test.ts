import { expect, test } from 'vitest';
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { GraphiteParser, type GraphiteParserSettings } from './graphite-parser.ts';

/** The line of a line, or what is wrong with it. */
function parsed(line: string, settings: Partial<GraphiteParserSettings> = {}): string {
  const lines = new GrowingBytes();
  const parser = new GraphiteParser(
    { lines, nowNs: () => 7n },
    { templates: [], separator: '.', tags: [], ...settings },
  );
  const bytes = Buffer.from(`__${line}__`, 'latin1');
  const error = parser.parse(bytes, 2, bytes.length - 2);
  return error ?? Buffer.from(lines.view()).toString('latin1');
}

test.each([
  ['a.b 1 1500000000', 'a.b value=1 1500000000000000000\n'],
  ['a -1.50 1', 'a value=-1.50 1000000000\n'],
  ['a 1', 'a value=1 7\n'],
  ['a 1 -1', 'a value=1 7\n'],
  ['a 1e3 0', 'a value=1000 0\n'],
  ['a -0x0p0 0.5', 'a value=-0 500000000\n'],
  ['a 1 -1.5', 'a value=1 -500000000\n'],
  ['a,b 1 1', 'a\\,b value=1 1000000000\n'],
  ['a 1234567890123456789012345 1', 'a value=1.2345678901234568e+24 1000000000\n'],
])('graphite parser: %j is %j', (line, point) => {
  expect(parsed(line)).toBe(point);
});

test.each([
  ['a', 'received "a" which doesn\'t have required fields'],
  ['a 1 2 3', 'received "a 1 2 3" which doesn\'t have required fields'],
  ['a x 1', 'field "a" value: strconv.ParseFloat: parsing "x": invalid syntax'],
  ['a 1e999 1', 'field "a" value: strconv.ParseFloat: parsing "1e999": value out of range'],
  ['a -inf 1', 'field "a" value: "-Inf" is unsupported'],
  ['a nan 1', 'NaN'],
  ['a 1 x', 'field "a" time: strconv.ParseFloat: parsing "x": invalid syntax'],
  ['a 1 1500000000000', 'timestamp out of range'],
  ['a 1 2147472001', 'timestamp out of range'],
  ['a 1 NaN', 'timestamp out of range'],
])('graphite parser: %j is refused: %s', (line, error) => {
  expect(parsed(line)).toBe(error);
});

test('graphite parser: what no line of a point can say is refused, and does not become another point', () => {
  expect(parsed('#a 1 1')).toBe('no line of a point begins with "#"');
  expect(parsed('\0a 1 1')).toBe('no line of a point begins with "\\x00"');
  const templates = ['measurement.tag.field'];
  for (const path of ['a\\.b.c', 'a.b\\.c', 'a.b.c\\'])
    expect(parsed(`${path} 1 1`, { templates })).toBe(
      'a name that ends with a backslash has no line',
    );
});

test('graphite parser: a path that makes too long a key is refused', () => {
  expect(parsed(`${'x'.repeat(65_530)} 1 1`)).toBe('max key length exceeded: 65539 > 65535');
  expect(parsed(`${'x'.repeat(65_526)} 1 1`)).toMatch(/^x+ value=1 1000000000\n$/);
});

test('graphite parser: names are bytes, whatever they are; names of templates are UTF-8', () => {
  const settings = { templates: ['measurement.ä'], tags: [['ö', 'ü']] as const };
  const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
  expect(parsed('\xff.\xfe 1 1', settings)).toBe(`\xff,${utf8('ä')}=\xfe,${utf8('ö=ü')} value=1 1000000000\n`); // prettier-ignore
});

test('graphite parser: a template is not applied anew to a path that was there, and its errors are told again', () => {
  const lines = new GrowingBytes();
  const parser = new GraphiteParser(
    { lines, nowNs: () => 7n },
    { templates: ['measurement.field.field'], separator: '.', tags: [] },
  );
  const parse = (line: string): string | undefined => {
    const bytes = Buffer.from(line);
    return parser.parse(bytes, 0, bytes.length);
  };
  const all = ['a.b 1 1', 'a.b.c 2 2', 'a.b 3 3', 'a.b x 3', 'a.b.c 4 4', 'a.b 5 5'].map(parse);
  const twice = `'field' can only be used once in each template: "a.b.c"`;
  const noNumber = 'field "a.b" value: strconv.ParseFloat: parsing "x": invalid syntax';
  expect(all).toEqual([undefined, twice, undefined, noNumber, twice, undefined]);
  expect(Buffer.from(lines.view()).toString()).toBe('a b=1 1000000000\na b=3 3000000000\na b=5 5000000000\n'); // prettier-ignore
});

test('graphite parser: without a template of its own a path is the measurement, whatever the separator', () => {
  const settings = { templates: ['servers.* .host.measurement.measurement'], separator: '_' };
  expect(parsed('servers.a.cpu.load 1 1', settings)).toBe('cpu_load,host=a value=1 1000000000\n');
  expect(parsed('stats.cpu.load 1 1', settings)).toBe('stats.cpu.load value=1 1000000000\n');
});

test('graphite parser: of a tag that a template, or the configuration, has twice the last counts', () => {
  const settings = { templates: ['measurement zone=a,zone=b'], tags: [['host', 'x'], ['host', 'y']] as const }; // prettier-ignore
  expect(parsed('m 1 1', settings)).toBe('m,host=y,zone=b value=1 1000000000\n');
});
