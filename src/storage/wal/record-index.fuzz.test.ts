import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordIndex, RecordUse } from '../../kernels/record-index.ts';
import { RecordScan } from '../../kernels/record-scan.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { encodeRecordHeader, recordForm, WalRecordKind, type WalRecord } from './wal-record.ts'; // prettier-ignore

const salt = 9;

/** What the index is to know of a shard, found by looking at each record. */
class PlainShard {
  readonly bounds: number[] = [];
  greatest = 0;
  segment = -1;
  offset = -1;
  inSegment = 0;

  note(sequence: number, segment: number, offset: number): void {
    const last = this.bounds.length - 1;
    if (this.bounds[last] === sequence - 1) this.bounds[last] = sequence;
    else this.bounds.push(sequence, sequence);
    this.greatest = Math.max(this.greatest, sequence);
    this.inSegment = segment === this.segment ? Math.max(this.inSegment, sequence) : sequence;
    this.segment = segment;
    this.offset = offset;
  }
}

const segments = fc.array(
  fc.array(
    fc.record({
      shardId: fc.oneof(fc.nat(2_000), fc.constantFrom(2 ** 33, 2 ** 50)),
      // Now and then one is left out, or comes again.
      step: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constantFrom(0, 2, 5)),
      kind: fc.constantFrom(...Object.values(WalRecordKind)),
    }),
    { maxLength: 400 },
  ),
  { minLength: 1, maxLength: 6 },
);

test('index of the log: it knows of each shard what looking at each record tells', () => {
  fc.assert(
    fc.property(segments, (log) => {
      const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
      const free = kernel.heap.usedBytes;
      const index = new RecordIndex(kernel, {
        useOf: (shardId) => (shardId % 3 === 0 ? RecordUse.waits : RecordUse.unwanted),
        waitBytesMax: 200,
      });
      const plain = new Map<number, PlainShard>();
      const sequences = new Map<number, number>();
      for (const [segment, records] of log.entries()) {
        const parts: Uint8Array[] = [];
        const vouches: number[] = [];
        let offset = 1_000;
        for (const [i, { shardId, step, kind }] of records.entries()) {
          const sequence = (sequences.get(shardId) ?? 0) + step;
          const payload = new Uint8Array(i % 40);
          const rejectBitmap = new Uint8Array(0);
          const record: WalRecord = { kind, codec: 0, shardId, sequence, rejectBitmap, payload };
          parts.push(encodeRecordHeader(record, salt), payload);
          if (kind === WalRecordKind.vouch) vouches.push(i);
          else if (kind !== WalRecordKind.void && sequence > 0) {
            sequences.set(shardId, sequence);
            const shard = plain.get(shardId) ?? new PlainShard();
            plain.set(shardId, shard);
            shard.note(sequence, segment, offset);
          } else if (kind !== WalRecordKind.void) return;
          offset += 40 + payload.length;
        }
        const list = new RecordScan(kernel).list(Buffer.concat(parts), recordForm(salt));
        expect(list.count).toBe(records.length);
        expect(index.note(list, list.count, { segment, offset: 1_000 })).toEqual(vouches);
        const kept = index.keep(list, list.count);
        const { bytes, count, handed } = kept;
        const waits = records.flatMap(({ shardId, kind }, i) => shardId % 3 === 0 && kind !== WalRecordKind.vouch && kind !== WalRecordKind.void && !handed.includes(i) ? [shardId] : []); // prettier-ignore
        expect(index.shardIdsOf(kept, 5)).toEqual(waits.slice(-5));
        expect(count + handed.length).toBe(records.filter(({ shardId, kind }) => shardId % 3 === 0 && kind !== WalRecordKind.vouch && kind !== WalRecordKind.void).length); // prettier-ignore
        expect(bytes.length % 8).toBe(0);
        const here = [...plain].filter(([, shard]) => shard.segment === segment);
        expect(new Map(index.sequencesIn(segment))).toEqual(new Map(here.map(([id, { inSegment }]) => [id, inSegment]))); // prettier-ignore
      }
      const greatest = new Map([...plain].map(([id, shard]) => [id, shard.greatest]));
      expect(new Map(index.greatestSequences())).toEqual(greatest);
      for (const [shardId, { inSegment, ...shard }] of plain) {
        const { bytes, ...found } = index.of(shardId) ?? { bytes: 0 };
        expect(found).toEqual(shard);
        expect(bytes).toBeLessThanOrEqual(shardId % 3 === 0 ? 200 : 0);
        expect(inSegment).toBeGreaterThan(0);
      }
      expect(index.of(2_001)).toBeUndefined();
      index.free();
      kernel.scratch(1);
      expect(kernel.heap.usedBytes - free).toBeLessThanOrEqual(1 << 19);
    }),
    { seed: 12, numRuns: 100 },
  );
});
