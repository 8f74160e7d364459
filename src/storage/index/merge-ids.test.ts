import { expect, test } from 'vitest';
import { mergeIds, type OrderedIds } from './merge-ids.ts';

/** Of keys in memory that is another one after each rest, as that of the kernels is once it has grown. */
function keysIn(memory: { bytes: Uint8Array }, ids: readonly number[]): OrderedIds {
  const keyOf = (id: number): Uint8Array => memory.bytes.subarray(id * 4, id * 4 + 4);
  return { ids: Uint32Array.from(ids), keyOf };
}

test('merge ids: a million series are merged in steps, and memory may move between them', () => {
  const count = 10_000;
  const texts = Buffer.alloc(count * 4);
  for (let id = 0; id < count; id++) texts.writeUInt32BE(id * 7, id * 4);
  const memory = { bytes: Uint8Array.from(texts) };
  const all = Array.from({ length: count }, (_, id) => id);
  const lists = [0, 1, 2].map((part) =>
    keysIn(
      memory,
      all.filter((id) => id % 3 === part),
    ),
  );
  const steps = mergeIds(lists);
  let restCount = 0;
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      expect([...step.value]).toEqual(all);
      break;
    }
    restCount++;
    const moved = Uint8Array.from(memory.bytes);
    memory.bytes.fill(0xff);
    memory.bytes = moved;
  }
  expect(restCount).toBeGreaterThanOrEqual(Math.floor(count / 1_024));
});
