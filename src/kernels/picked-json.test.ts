import { expect, test } from 'vitest';
import { compiledKernels } from './module/kernel-module.ts';
import { JsonPart, PickedJson, type PartColumn } from './picked-json.ts';

const refuse = (): never => {
  throw new Error('no float of many digits is written here');
};

function integers(values: BigInt64Array): PartColumn {
  return { type: 'values', column: { type: 'integer', values }, missing: 'null' };
}

function rowsOf(written: Uint8Array | undefined): readonly string[] {
  return Buffer.from(written ?? []).toString().slice(2, -1).split('],['); // prettier-ignore
}

/** All parts have the same values: what differs is who was placed where. */
const rowCount = 4_096;
const columnCount = 12;
const values = BigInt64Array.from({ length: rowCount }, (_, row) => BigInt(row * 7));
const parts = (count: number): JsonPart[] => {
  const texts = Array.from({ length: count }, (_, i) => ({ type: 'constant' as const, text: Buffer.from(`"part ${i}"`) })); // prettier-ignore
  const columns = Array.from({ length: columnCount }, () => integers(values));
  return texts.map((text) => new JsonPart([text, ...columns], rowCount));
};

test('picked json: parts that do not fit the memory together are brought again', () => {
  const kernel = new PickedJson(compiledKernels(), refuse);
  const all = parts(60);
  const timesNs = new BigInt64Array(1_000);
  const write = (first: number) => {
    const partAt = Uint32Array.from(timesNs, (_, i) => (first + i) % all.length);
    const rowAt = Uint32Array.from(
      timesNs,
      (_, i) => (Math.floor(i / 60) + first * 100) % rowCount,
    );
    const table = { timesNs, parts: all, partAt, rowAt, start: 0, end: timesNs.length, unitNs: 1n };
    const expected = Array.from(partAt, (part, i) => {
      const cells = Array<string>(columnCount).fill(String((rowAt[i] ?? 0) * 7));
      return ['0', `"part ${part}"`, ...cells].join();
    });
    expect(rowsOf(kernel.write(table))).toEqual(expected);
  };
  // Each round has other rows; all of them are more than what the kernel holds at once.
  for (let first = 0; first < 82; first++) write(first);
});

test('picked json: rows whose text is no UTF-8, or longer than the kernel takes, are left to others', () => {
  const kernel = new PickedJson(compiledKernels(), refuse);
  const textPart = (bytes: Uint8Array, offsets: Uint32Array) =>
    new JsonPart([{ type: 'values', column: { type: 'string', values: { offsets, bytes } }, missing: 'null' }], offsets.length - 1); // prettier-ignore
  const write = (part: JsonPart) =>
    kernel.write({ timesNs: new BigInt64Array(2), parts: [part], partAt: new Uint32Array(2), rowAt: Uint32Array.of(1, 0), start: 0, end: 2, unitNs: 1n }); // prettier-ignore
  expect(write(textPart(Uint8Array.of(97, 255), Uint32Array.of(0, 1, 2)))).toBeUndefined();
  expect(write(textPart(Buffer.from('é'), Uint32Array.of(0, 1, 2)))).toBeUndefined();
  const long = new Uint8Array(1 << 19).fill(97);
  expect(write(textPart(long, Uint32Array.of(0, 1, long.length)))).toBeUndefined();
  expect(rowsOf(write(textPart(Buffer.from('ab"'), Uint32Array.of(0, 1, 3))))).toEqual(['0,"b\\""', '0,"a"']); // prettier-ignore
});
