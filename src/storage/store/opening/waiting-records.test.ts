import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { RecordScan } from '../../../kernels/record-scan.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import {
  encodeRecordHeader,
  recordForm,
  WalRecordKind,
  type WalRecord,
} from '../../wal/wal-record.ts';
import { shardBytesMax, slabBytesMax, WaitingRecords } from './waiting-records.ts';

function record(shardId: number, sequence: number, payload: Uint8Array): WalRecord {
  const rejectBitmap = Uint8Array.from({ length: sequence % 3 }, (_, i) => i + 1);
  const kind = sequence % 2 === 0 ? WalRecordKind.types : WalRecordKind.points;
  return { kind, codec: 0, shardId, sequence, rejectBitmap, payload };
}

test('waiting records: each shard gets its own as they came, however often it asks, until they are dropped', () => {
  const waiting = new WaitingRecords(1 << 20);
  const sent = [7, 2 ** 40, 8, 9, 10, 11].map((sequence, i) =>
    record(
      i % 2,
      sequence,
      Uint8Array.from({ length: i * 5 }, (_, at) => at),
    ),
  );
  for (const one of sent) expect(waiting.add(one)).toBeUndefined();
  expect([...waiting.shardIds]).toEqual([0, 1]);
  for (let i = 0; i < 2; i++) {
    expect([...waiting.of(0)]).toEqual(sent.filter(({ shardId }) => shardId === 0));
    expect([...waiting.of(1)]).toEqual(sent.filter(({ shardId }) => shardId === 1));
  }
  expect([0, 1, 2].map((id) => waiting.lastSequenceOf(id))).toEqual([10, 2 ** 40, 0]);
  waiting.drop(0);
  waiting.drop(2);
  expect([...waiting.of(0)]).toEqual([]);
  expect(waiting.bytesOf(0)).toBe(0);
  expect([...waiting.of(1)]).toHaveLength(3);
});

test('waiting records: what comes many at a time is what comes one by one, in slabs and beyond them', () => {
  const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 22 });
  const scan = new RecordScan(kernel);
  const salt = 3;
  const [alone, together] = [new WaitingRecords(1 << 24), new WaitingRecords(1 << 24)];
  const [hotAlone, hotTogether] = [new Set<number>(), new Set<number>()];
  for (let chunk = 0; chunk < 40; chunk++) {
    const sent = Array.from({ length: 30 }, (_, i) => {
      const payload = new Uint8Array(48 + ((i * 37 + chunk) % 90)).fill(i);
      new DataView(payload.buffer).setBigInt64(32, BigInt((i * 7 + chunk * 13) % 101), true);
      // Of a few shards there is more than a slab takes.
      const large = i % 10 === 0 ? new Uint8Array(3_000).fill(chunk) : payload;
      return record(i % 13, chunk * 30 + i + 2 ** 33, large);
    });
    const bytes = Buffer.concat(sent.flatMap((one) => [encodeRecordHeader(one, salt), one.rejectBitmap, one.payload])); // prettier-ignore
    for (const one of sent) hotAlone.add(alone.add(one) ?? -1);
    const records = scan.list(bytes, recordForm(salt));
    expect(records.count).toBe(30);
    const numbers = sent.map((_, i) => i);
    for (const hot of together.addAll(records, numbers, scan)) hotTogether.add(hot);
    bytes.fill(0xff);
  }
  hotAlone.delete(-1);
  expect(hotTogether).toEqual(hotAlone);
  expect(together.latestStamp).toBe(alone.latestStamp);
  expect(together.latestStamp).not.toBe(0n);
  for (let shardId = 0; shardId < 13; shardId++) {
    expect([...together.of(shardId)]).toEqual([...alone.of(shardId)]);
    expect(together.bytesOf(shardId)).toBe(alone.bytesOf(shardId));
    expect(together.lastSequenceOf(shardId)).toBe(alone.lastSequenceOf(shardId));
  }
  expect(together.bytesOf(0)).toBeGreaterThan(slabBytesMax);
  together.drop(3);
  expect([...together.of(3)]).toEqual([]);
  expect([...together.of(4)]).toEqual([...alone.of(4)]);
});

test('waiting records: a batch can be read where it lies', () => {
  const waiting = new WaitingRecords(1 << 20);
  const payload = batchOf('m,h=a v=1,s="x" 5\nm,h=b v=2,s="yz" 6');
  for (let sequence = 1; sequence <= 9; sequence += 2) waiting.add(record(1, sequence, payload));
  for (const { payload: kept } of waiting.of(1)) {
    expect(kept.byteOffset % 8).toBe(0);
    expect(decodePointBatch(kept).rowCount).toBe(2);
  }
});

test('waiting records: past a limit the shard is named that is to be opened', () => {
  const waiting = new WaitingRecords(10_000);
  expect(waiting.add(record(1, 1, new Uint8Array(3_000)))).toBeUndefined();
  expect(waiting.add(record(2, 1, new Uint8Array(6_000)))).toBeUndefined();
  expect(waiting.add(record(3, 1, new Uint8Array(2_000)))).toBe(2);
  waiting.drop(2);
  expect(waiting.add(record(3, 3, new Uint8Array(4_000)))).toBeUndefined();
  const wide = new WaitingRecords(64 * shardBytesMax);
  for (let sequence = 1; sequence < 8; sequence++)
    expect(wide.add(record(1, sequence, new Uint8Array(shardBytesMax / 8)))).toBeUndefined();
  expect(wide.add(record(2, 1, new Uint8Array(shardBytesMax / 2)))).toBeUndefined();
  expect(wide.add(record(1, 8, new Uint8Array(shardBytesMax / 8)))).toBe(1);
});

test('waiting records: what was looked at stays as it was while more comes, to its shard and to thousands of others', () => {
  const waiting = new WaitingRecords(64 << 20);
  const payloadOf = (shardId: number) => new Uint8Array(300).fill(shardId % 251);
  waiting.add(record(1, 1, payloadOf(1)));
  const [first] = waiting.of(1);
  for (let sequence = 2; sequence < 40; sequence++)
    for (let shardId = 1; shardId <= 300; shardId++)
      waiting.add(record(shardId, sequence, payloadOf(shardId)));
  expect(first?.payload).toEqual(payloadOf(1));
  for (const shardId of [1, 2, 300])
    for (const { payload } of waiting.of(shardId)) expect(payload).toEqual(payloadOf(shardId));
});
