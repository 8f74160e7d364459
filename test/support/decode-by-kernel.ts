import { expect } from 'vitest';
import { decodeBlock, type Block } from '../../src/codec/block.ts';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import { QueryKernel } from '../../src/kernels/query-kernel.ts';
import { FieldType } from '../../src/models/field-value.ts';

let kernel: QueryKernel | undefined;

/** The block as the kernel decodes it, undefined when it leaves it to its twin. */
export function decodeByKernel(block: Uint8Array): Block | undefined {
  kernel ??= new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
  const { arena } = kernel;
  const mark = arena.mark();
  try {
    const rows = arena.decodeBlock(block);
    if (rows === undefined) return undefined;
    const { buffer } = arena.memory;
    const { count, timesPtr, valuesPtr } = rows;
    const type = (block[0] ?? 0) as FieldType;
    const timesNs = new BigInt64Array(buffer, timesPtr, count).slice();
    const views = {
      [FieldType.float]: () => new Float64Array(buffer, valuesPtr, count),
      [FieldType.integer]: () => new BigInt64Array(buffer, valuesPtr, count),
      [FieldType.unsigned]: () => new BigUint64Array(buffer, valuesPtr, count),
      [FieldType.boolean]: () => new Uint8Array(buffer, valuesPtr, count),
      [FieldType.string]: () => new Uint8Array(),
    };
    return { type, timesNs, values: views[type]().slice() };
  } finally {
    arena.release(mark);
  }
}

/** The kernel and its twin make the same of a block. */
export function expectSameByKernel(block: Uint8Array): void {
  const twin = decodeBlock(block);
  const byKernel = decodeByKernel(block);
  if (twin.type === FieldType.string) expect(byKernel).toBeUndefined();
  else expect(byKernel).toEqual(twin);
}
