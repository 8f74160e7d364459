import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import type { DiskFile } from '../../env/disk.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { RecordScan } from '../../kernels/record-scan.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { readSegment, scannedRecord, type SegmentVisitor } from './read-segment.ts';
import { encodeRecordHeader, WalRecordKind, type WalRecord } from './wal-record.ts';

const salt = 7;
const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });

interface Part {
  readonly kind: WalRecordKind;
  readonly shardId: number;
  readonly bitmapBytes: number;
  readonly payloadBytes: number;
  /** Of a record that is damaged: which byte, and how. */
  readonly flip: { readonly at: number; readonly bit: number } | undefined;
}

const parts = fc.array(
  fc.record({
    kind: fc.constantFrom(...Object.values(WalRecordKind)),
    shardId: fc.constantFrom(1, 2, 2 ** 40),
    bitmapBytes: fc.nat(9),
    // Some are larger than what is looked at with one call, or than what the kernel checks.
    payloadBytes: fc.oneof(
      { weight: 20, arbitrary: fc.nat(200) },
      fc.integer({ min: 4_000, max: 5_000 }),
      fc.constant(150_000),
    ),
    flip: fc.option(fc.record({ at: fc.nat(5_000), bit: fc.nat(7) }), {
      nil: undefined,
      freq: 8,
    }),
  }),
  { maxLength: 60 },
);

function segmentOf(records: readonly Part[], cutBytes: number): Uint8Array {
  const pieces = records.flatMap(({ kind, shardId, bitmapBytes, payloadBytes, flip }, i) => {
    const rejectBitmap = new Uint8Array(bitmapBytes).fill(i);
    const payload = Uint8Array.from({ length: payloadBytes }, (_, at) => (at * 7 + i) & 255);
    const record: WalRecord = { kind, codec: i % 3, shardId, sequence: i + 1, rejectBitmap, payload }; // prettier-ignore
    const bytes = Buffer.concat([encodeRecordHeader(record, salt), rejectBitmap, payload]);
    const at = (flip?.at ?? 0) % bytes.length;
    if (flip !== undefined) bytes[at] = (bytes[at] ?? 0) ^ (1 << flip.bit);
    return [bytes];
  });
  const all = Buffer.concat(pieces);
  return all.subarray(0, Math.max(0, all.length - cutBytes));
}

/** What a visitor is told, in order. */
async function told(file: DiskFile, isScanned: boolean): Promise<readonly string[]> {
  const lines: string[] = [];
  const say = ({ payload, rejectBitmap, ...head }: WalRecord, offset: number): void =>
    void lines.push(`${offset} ${JSON.stringify(head)} ${Buffer.from(rejectBitmap).toString('hex')} ${Buffer.from(payload).toString('hex')}`); // prettier-ignore
  const plain: SegmentVisitor = {
    onRecord: say,
    onGap: (gap) => void lines.push(JSON.stringify(gap)),
  };
  const scan = new RecordScan(kernel);
  const scanning = {
    ...plain,
    scan,
    onRecords: (records: ReturnType<RecordScan['list']>, count: number, offset: number): void => {
      for (let at = 0; at < count; at++) {
        const record = scannedRecord(records, at);
        if (record.kind !== WalRecordKind.void) say(record, offset + records.offset(at));
      }
    },
  };
  await readSegment(file, salt, isScanned ? scanning : plain);
  return lines;
}

test('log: records that are found many at a time are those that are found one by one, around whatever is damaged', async () => {
  let damagedCount = 0;
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(100), async (records, cutBytes) => {
      const world = new World(1);
      const { disk } = world.addNode('a').env;
      const work = async (): Promise<void> => {
        await disk.replaceFile('segment', segmentOf(records, cutBytes));
        const file = await disk.open('segment', 'read');
        const expected = await told(file, false);
        expect(await told(file, true)).toEqual(expected);
        if (expected.some((line) => line.includes('isFollowed'))) damagedCount++;
        await file.close();
      };
      await world.complete(work());
    }),
    { seed: 11, numRuns: 150 },
  );
  expect(damagedCount).toBeGreaterThan(50);
});
