import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { encodeBlock } from '../../../codec/block.ts';
import type { Disk } from '../../../env/disk.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { indexEntryBytes, keyTailBytes, tsmFooterBytes } from '../../tsm/tsm-format.ts';
import { TsmWriter } from '../../tsm/tsm-writer.ts';
import { FoldedBlocks } from './fold-blocks.ts';

const key = new TextEncoder().encode('m#!~#f');
const path = 'foreign.tsm';
/** Without an equal bit from one to the next they take more than what is taken of a block. */
const rowsMany = 20_000;
/** Of an entry: where its block is, and its length. */
const placeAt = 16;
const placeBytes = 12;

function blockOf(firstNs: number, count: number): Uint8Array {
  const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(firstNs + i));
  const values = Float64Array.from({ length: count }, (_, i) => Math.sin(i) * 10 ** ((i % 7) * 40));
  return encodeBlock({ type: FieldType.float, timesNs, values });
}

/** A file whose first block in time lies behind its last one, as nobody writes them. */
async function openTurned(disk: Disk): Promise<TsmFile> {
  const file = await disk.open(path, 'create');
  const writer = new TsmWriter(file);
  for (const [minTimeNs, count] of [[0, 10], [100_000, rowsMany]] as const) // prettier-ignore
    writer.add({ key, type: FieldType.float, minTimeNs: BigInt(minTimeNs), maxTimeNs: BigInt(minTimeNs + count - 1), bytes: blockOf(minTimeNs, count) }); // prettier-ignore
  await writer.finish();
  writer.release();
  const bytes = await disk.readFile(path);
  const footer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - tsmFooterBytes);
  const first = Number(footer.getBigUint64(0)) + 2 + key.length + keyTailBytes + placeAt;
  const second = first + indexEntryBytes;
  const held = bytes.slice(first, first + placeBytes);
  bytes.copyWithin(first, second, second + placeBytes);
  bytes.set(held, second);
  await disk.replaceFile(path, bytes);
  return TsmFile.open({ disk, blocks: new PageCache(1 << 20) }, path);
}

test('fold blocks: a file whose blocks lie in another order than its index says is damaged, and ends the question', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 26 });
  const table = kernel.windowTable([{ type: 'float', parts: ['sum'] }], { startNs: 0n, intervalNs: 1_000_000n, count: 1 }); // prettier-ignore
  await world.complete(
    (async () => {
      const file = await openTurned(disk);
      const bounds = { minTimeNs: 0n, maxTimeNs: 1_000_000n };
      const fold = FoldedBlocks.of([{ file }], {
        ...bounds,
        table,
        keyOf: () => key,
        columns: [0],
      });
      expect(() => fold?.next()).toThrow('a block is longer than those of its column');
      await file.close();
    })(),
  );
});
