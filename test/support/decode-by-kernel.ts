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

/** The first value of a block or the last as the kernel decodes it alone: its bytes, undefined when it leaves it. */
function endByKernel(block: Uint8Array, isFirst: boolean): Uint8Array | undefined {
  kernel ??= new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
  const { arena } = kernel;
  const mark = arena.mark();
  try {
    const valuesPtr = arena.decodeEnd(block, { isFirst });
    const width = block[0] === FieldType.boolean ? 1 : 8;
    if (valuesPtr === undefined) return undefined;
    return new Uint8Array(arena.memory.buffer, valuesPtr, width).slice();
  } finally {
    arena.release(mark);
  }
}

/** The kernel and its twin make the same of a block, and of its ends. */
export function expectSameByKernel(block: Uint8Array): void {
  const twin = decodeBlock(block);
  const byKernel = decodeByKernel(block);
  const ends = [endByKernel(block, true), endByKernel(block, false)];
  const { values } = twin;
  if ('offsets' in values) {
    expect(byKernel).toBeUndefined();
    expect(ends).toEqual([undefined, undefined]);
    return;
  }
  expect(byKernel).toEqual(twin);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const width = values.BYTES_PER_ELEMENT;
  expect(ends).toEqual([bytes.slice(0, width), bytes.slice(bytes.length - width)]);
}
