import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { RecordIndex, RecordUse } from '../../kernels/record-index.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { WalRecordKind } from './wal-record.ts';
import { recoverWal, type RecoveredWal } from './wal-recovery.ts';
import { WalWriter } from './wal-writer.ts';

const disk = new NodeDisk();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A record of shard 16 in a segment of its own, another behind it. */
async function twoSegments(): Promise<readonly string[]> {
  const options = { folder, run: 1, worker: 0, segmentBytesMax: 200, queueBytesMax: 1 << 20, salt: 5 }; // prettier-ignore
  const wal = new WalWriter(disk, options);
  for (const sequence of [1, 2]) {
    const payload = new Uint8Array(300).fill(sequence);
    await wal.append({ kind: WalRecordKind.points, codec: 0, shardId: 16, sequence, rejectBitmap: new Uint8Array(0), payload }); // prettier-ignore
  }
  await wal.close();
  return readdirSync(folder).sort();
}

async function recover(): Promise<RecoveredWal & { readonly sequences: readonly number[] }> {
  const sequences: number[] = [];
  const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 22 });
  const index = new RecordIndex(kernel, { useOf: () => RecordUse.handed, waitBytesMax: 0 });
  const found = await recoverWal(disk, folder, {
    index,
    onRecord: ({ sequence }) => void sequences.push(sequence),
  });
  return { ...found, sequences };
}

/** What a full disk leaves of a segment whose first group it broke off, and that it could not remove. */
function leaveBroken(second: string, lengthBytes: number): void {
  const third = second.replace('0000000002-', '0000000003-');
  renameSync(join(folder, second), join(folder, third));
  copyFileSync(join(folder, third), join(folder, second));
  truncateSync(join(folder, second), lengthBytes);
}

test('wal recovery: a broken segment between two does not make the one before it look lost', async () => {
  const [, second = ''] = await twoSegments();
  // With the record that vouches for the first segment, and nothing behind it.
  leaveBroken(second, 100);
  const { damage, sequences } = await recover();
  expect(damage.filter(({ kind }) => kind === 'missing')).toEqual([]);
  expect(sequences).toEqual([1, 2]);
});

test('wal recovery: bytes that are lost of a segment are damage, whatever lies between it and who vouches for it', async () => {
  const [first = '', second = ''] = await twoSegments();
  leaveBroken(second, 0);
  truncateSync(join(folder, first), 150);
  const { damage } = await recover();
  expect(damage.map(({ kind, path }) => [kind, path.endsWith(first)])).toEqual([['damaged', true]]);
});

test('wal recovery: a segment that is not there, and that one behind it vouches for, is missing', async () => {
  const [first = ''] = await twoSegments();
  rmSync(join(folder, first));
  const { damage } = await recover();
  expect(damage).toMatchObject([{ kind: 'missing', sequences: new Map([[16, 1]]) }]);
});
