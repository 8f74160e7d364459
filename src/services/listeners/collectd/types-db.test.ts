import { expect, test } from 'vitest';
import { addTypes, SourceKind, type DataSource } from './types-db.ts';

function read(...texts: readonly string[]): ReadonlyMap<string, readonly DataSource[]> {
  const types = new Map<string, readonly DataSource[]>();
  for (const text of texts) addTypes(types, text);
  return types;
}

const shown = (sources: readonly DataSource[] | undefined) =>
  sources?.map(({ name, kind }) => `${name}:${kind}`);

test('types.db: sources come with their names and kinds, in their order', () => {
  const types = read(
    'if_octets\t\trx:DERIVE:0:U, tx:DERIVE:0:U\r\nmixed a:GAUGE:-1e3:5000,  b:COUNTER:U:U c:ABSOLUTE:0:4294967295\n',
  );
  const { derive, gauge, counter, absolute } = SourceKind;
  expect(shown(types.get('if_octets'))).toEqual([`rx:${derive}`, `tx:${derive}`]);
  expect(shown(types.get('mixed'))).toEqual([`a:${gauge}`, `b:${counter}`, `c:${absolute}`]);
});

test('types.db: comments, and lines that are no type, take nothing else with them', () => {
  const types = read(
    '# value value:GAUGE:U:U\n\n   \nshort v:GAUGE:0\nkind v:RATE:U:U\nrange v:GAUGE:x:U\nhidden a\\:GAUGE:U:U\ngood value:GAUGE:U:U',
  );
  expect([...types.keys()]).toEqual(['good']);
});

test('types.db: ends of a range may be infinite, or no number', () => {
  const types = read(
    'a v:GAUGE:-inf:Infinity\nb v:GAUGE:NaN:1e3\nc v:GAUGE:1e400:U\nd v:GAUGE:u:U',
  );
  expect([...types.keys()]).toEqual(['a', 'b']);
});

test('types.db: of two lines with a name the later counts, in another file too', () => {
  const types = read('t a:GAUGE:U:U\nt b:GAUGE:U:U', 't c:GAUGE:U:U\nu a:GAUGE:U:U');
  expect(types.get('t')?.map(({ name }) => name)).toEqual(['c']);
  expect(types.size).toBe(2);
});

test('types.db: names are written so that line protocol gives them back', () => {
  const [source] = read('t a,b=c:GAUGE:U:U').get('t') ?? [];
  const textOf = (bytes: Uint8Array = new Uint8Array(0)): string => Buffer.from(bytes).toString();
  expect([textOf(source?.suffix), textOf(source?.field)]).toEqual(['a\\,b=c', 'a\\,b\\=c']);
});
