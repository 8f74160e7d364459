import { expect, test } from 'vitest';
import { FieldType } from '../../../models/field-value.ts';
import { BatchNames, NamedBefore, type NamedShapes } from './batch-names.ts';

function namedOf(lengthBytes: number): NamedShapes {
  return {
    names: { offsets: Uint32Array.of(0, lengthBytes), bytes: new Uint8Array(lengthBytes) },
    words: new Uint32Array(2),
  };
}

/** Of which batches, by the ids of their shapes, names are kept. */
function keptOf(named: NamedBefore, ids: readonly number[]): readonly number[] {
  return ids.filter((id) => named.find(Uint32Array.of(id, 1)) !== undefined);
}

test('names of batches before: those of the last eight are kept', () => {
  const named = new NamedBefore();
  for (let id = 0; id < 10; id++) named.add(Uint32Array.of(id, 1), namedOf(100));
  expect(keptOf(named, [0, 1, 2, 3, 8, 9])).toEqual([2, 3, 8, 9]);
});

test('names of batches before: long ones are kept as far as there is room', () => {
  const named = new NamedBefore();
  for (let id = 0; id < 4; id++) named.add(Uint32Array.of(id, 1), namedOf(3 << 20));
  expect(keptOf(named, [0, 1, 2, 3])).toEqual([2, 3]);
  named.add(Uint32Array.of(4, 1), namedOf(9 << 20));
  expect(keptOf(named, [2, 3, 4])).toEqual([2, 3]);
  named.clear();
  for (let id = 0; id < 2; id++) named.add(Uint32Array.of(id, 1), namedOf(3 << 20));
  expect(keptOf(named, [0, 1])).toEqual([0, 1]);
});

test('names of batches before: all that they take is counted, as each is an array of its own', () => {
  const names = new BatchNames();
  const ids = Array.from({ length: 500 }, (_, i) => names.idOf(`a name of some length ${i}`));
  names.begin();
  for (const id of ids) names.add([id, 0], [{ name: 'v', type: FieldType.float }]);
  const { names: column, words } = names.end();
  for (const part of [column.bytes, column.offsets, words])
    expect(part.buffer.byteLength).toBe(part.byteLength);
});
