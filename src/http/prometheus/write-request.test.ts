import { expect, test } from 'vitest';
import { joinBytes, putUvarint } from '../../codec/bytes.ts';
import { writeRequestLines } from './write-request.ts';

const encoder = new TextEncoder();

function varint(value: bigint): readonly number[] {
  const out: number[] = [];
  putUvarint(out, BigInt.asUintN(64, value));
  return out;
}

function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return joinBytes([(number << 3) | 2], varint(BigInt(bytes.length)), bytes);
}

function label(name: string, value: string): Uint8Array {
  return bytesField(
    1,
    joinBytes(bytesField(1, encoder.encode(name)), bytesField(2, encoder.encode(value))),
  );
}

function sample(value: number, timeMs: bigint): Uint8Array {
  const double = new Uint8Array(8);
  new DataView(double.buffer).setFloat64(0, value, true);
  return bytesField(2, joinBytes([(1 << 3) | 1], double, [(2 << 3) | 0], varint(timeMs)));
}

const series = (...parts: readonly Uint8Array[]): Uint8Array => bytesField(1, joinBytes(...parts));
const turn = () => Promise.resolve();

test('remote write: samples become lines, those that are no number are left out', async () => {
  const message = joinBytes(
    series(label('__name__', 'up'), label('job', 'a b'), label('e', ''), sample(1, 1000n), sample(Number.NaN, 2n), sample(-0, -5n)), // prettier-ignore
    series(label('x', '1,2=3'), sample(Infinity, 1n), sample(1e300, 9_223_372_036_854n)),
    // Metadata, which is passed over, and a field that nobody knows.
    bytesField(3, encoder.encode('meta')),
    [(9 << 3) | 5, 1, 2, 3, 4],
  );
  const { lines, refused } = await writeRequestLines(message, turn);
  expect(new TextDecoder().decode(lines)).toBe(
    'up,__name__=up,job=a\\ b value=1 1000\n' +
      'up,__name__=up,job=a\\ b value=-0 -5\n' +
      'prom_metric_not_specified,x=1\\,2\\=3 value=1e+300 9223372036854\n',
  );
  expect(refused).toBeUndefined();
});

test('remote write: a label that no line can hold takes its series along, and no other', async () => {
  const message = joinBytes(
    series(label('__name__', 'a'), label('path', 'C:\\'), sample(1, 1n), sample(2, 2n)),
    series(label('__name__', 'b'), label('path', 'C:\\x'), sample(3, 3n)),
    series(label('__name__', 'c'), label('text', 'two\nlines'), sample(1, 1n)),
  );
  const { lines, refused } = await writeRequestLines(message, turn);
  expect(new TextDecoder().decode(lines)).toBe('b,__name__=b,path=C:\\x value=3 3\n');
  expect(refused).toEqual({ reason: 'label that no line can hold: "C:\\\\"', count: 3 });
});

test.each(['#up', '\0up', '\tup'])('remote write: a name that would be no name of a line is counted: %j', async (name) => {
  const message = joinBytes(
    series(label('__name__', name), sample(1, 1n)),
    series(label('__name__', `a${name}`), sample(1, 1n)),
  );
  const { lines, refused } = await writeRequestLines(message, turn);
  expect(new TextDecoder().decode(lines)).toBe(`a${name},__name__=a${name} value=1 1\n`);
  expect(refused).toEqual({ reason: `label that no line can hold: ${JSON.stringify(name)}`, count: 1 });
}); // prettier-ignore

test.each([
  ['cut short', [0x0a, 5, 1]],
  ['a length beyond all bounds', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ['a varint without end', Array.from({ length: 11 }, () => 0xff)],
  ['field 0', [0x02, 0]],
  ['a group', [0x0b]],
  ['a number where a series belongs', [0x08, 1]],
])('remote write: %s is refused', async (_what, bytes) => {
  await expect(writeRequestLines(Uint8Array.from(bytes), turn)).rejects.toMatchObject({
    code: 'invalid_argument',
  });
});

test('remote write: others have their turn between many samples', async () => {
  let turns = 0;
  const many = Array.from({ length: 5_000 }, (_, i) => sample(i, BigInt(i)));
  await writeRequestLines(series(label('__name__', 'm'), ...many), () => {
    turns++;
    return Promise.resolve();
  });
  expect(turns).toBe(2);
});
