import { expect, test } from 'vitest';
import { compiledKernels } from './module/kernel-module.ts';
import { QueryKernel } from './query-kernel.ts';

test('window table: a time that lies in none of the windows is an error, and nothing is written past the table', () => {
  const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 20 });
  const { arena } = kernel;
  const before = arena.allocate(16);
  const grid = { startNs: 100n, intervalNs: 10n, count: 2 };
  const table = kernel.windowTable([{ type: 'integer', parts: ['sum'] }], grid);
  const after = arena.allocate(160);
  const rows = { count: 1, timesPtr: arena.allocate(8), valuesPtr: arena.allocate(8) };
  const view = new DataView(arena.memory.buffer);
  view.setBigInt64(rows.valuesPtr, 7n, true);
  for (const [timeNs, isWithin] of [
    [100n, true],
    [119n, true],
    [120n, false],
    [99n, false],
    [89n, false],
    [-(2n ** 62n), false],
    [2n ** 62n, false],
  ] as const) {
    // prettier-ignore
    view.setBigInt64(rows.timesPtr, timeNs, true);
    const add = () => {
      table.fold(0, rows);
    };
    if (isWithin) add();
    else expect(add).toThrow('a block holds times that its file does not name');
  }
  const bytes = new Uint8Array(arena.memory.buffer);
  expect(bytes.subarray(before, before + 16).every((byte) => byte === 0)).toBe(true);
  expect(bytes.subarray(after, after + 160).every((byte) => byte === 0)).toBe(true);
  expect([...(table.finish()[0]?.counts ?? [])]).toEqual([1n, 1n]);
});
