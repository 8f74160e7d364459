import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { RecordIndex, RecordUse } from '../../../kernels/record-index.ts';
import { RecordScan, scanBytesMax } from '../../../kernels/record-scan.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { latestOf, stampOfBatch } from '../../../models/stamp.ts';
import { scannedRecord } from '../../wal/read-segment.ts';
import { encodeRecordHeader, recordForm, WalRecordKind, type WalRecord } from '../../wal/wal-record.ts'; // prettier-ignore
import { shardBytesMax, slabBytesMax, WaitingRecords } from './waiting-records.ts';

const salt = 3;

function record(shardId: number, sequence: number, payload: Uint8Array): WalRecord {
  const rejectBitmap = Uint8Array.from({ length: sequence % 3 }, (_, i) => i + 1);
  const kind = sequence % 2 === 0 ? WalRecordKind.types : WalRecordKind.points;
  return { kind, codec: 0, shardId, sequence, rejectBitmap, payload };
}

class Log {
  readonly kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
  readonly index = new RecordIndex(this.kernel, {
    useOf: () => RecordUse.waits,
    waitBytesMax: slabBytesMax,
  });
  readonly waiting: WaitingRecords;

  constructor(bytesMax: number) {
    this.waiting = new WaitingRecords(bytesMax, this.index);
  }

  /** Answers the shards that are to be opened. */
  read(records: readonly WalRecord[]): readonly number[] {
    const hot: number[] = [];
    for (let at = 0; at < records.length;) {
      let end = at;
      for (let bytes = 0; end < records.length && bytes < scanBytesMax - 20_000; end++)
        bytes += 60 + (records[end]?.payload.length ?? 0);
      hot.push(...this.#readSome(records.slice(at, end)));
      at = end;
    }
    return hot;
  }

  #readSome(records: readonly WalRecord[]): readonly number[] {
    const parts = records.flatMap((one) => [encodeRecordHeader(one, salt), one.rejectBitmap, one.payload]); // prettier-ignore
    const bytes = Buffer.concat(parts);
    const list = new RecordScan(this.kernel).list(bytes, recordForm(salt));
    expect(list.count).toBe(records.length);
    this.index.note(list, list.count, { segment: 0, offset: 0 });
    const kept = this.index.keep(list, list.count);
    const handed = kept.handed.map((at) => scannedRecord(list, at));
    const hot = [this.waiting.keep(kept), ...handed.map((one) => this.waiting.add(one))];
    // It is used again.
    bytes.fill(0xff);
    return hot.flat();
  }
}

test('waiting records: each shard gets its own as they came, however often it asks, until they are dropped', () => {
  const log = new Log(1 << 20);
  const { waiting } = log;
  const sent = [7, 2 ** 40, 8, 9, 10, 11].map((sequence, i) =>
    record(
      i % 2,
      sequence,
      Uint8Array.from({ length: i * 5 }, (_, at) => at),
    ),
  );
  expect(log.read(sent)).toEqual([]);
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

test('waiting records: those of thousands of shards, some with more than a slab takes, are there in order with the latest stamp', () => {
  const log = new Log(1 << 28);
  const sent: WalRecord[] = [];
  for (let round = 0; round < 12; round++)
    for (let shardId = 1; shardId <= 3_000; shardId++) {
      const isLarge = shardId % 500 === 0;
      const payload = new Uint8Array(isLarge ? 5_000 : 48 + ((shardId + round) % 50)).fill(shardId % 251); // prettier-ignore
      const view = new DataView(payload.buffer);
      view.setBigInt64(32, BigInt((shardId * 7 + round * 13) % 1_001), true);
      sent.push(record(shardId * 2 ** 25, round * 2 + 1, payload));
    }
  expect(log.read(sent)).toEqual([]);
  const { waiting } = log;
  const stamps = sent.map(({ payload }) => stampOfBatch(payload));
  expect(waiting.latestStamp).toBe(latestOf(stamps));
  const used = log.kernel.heap.usedBytes;
  waiting.wereRead();
  for (let shardId = 3_000; shardId >= 1; shardId--) {
    const id = shardId * 2 ** 25;
    const all = [...waiting.of(id)];
    if (shardId % 100 === 0) expect(all).toEqual(sent.filter((one) => one.shardId === id));
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 12 }, (_, i) => i * 2 + 1)); // prettier-ignore
    expect(waiting.bytesOf(id) > slabBytesMax).toBe(shardId % 500 === 0);
    waiting.drop(id);
    expect([...waiting.of(id)]).toEqual([]);
  }
  // The index is given back with the last of them, and what it knew of stamps stays.
  expect(log.kernel.heap.usedBytes).toBeLessThan(used / 2);
  expect(waiting.latestStamp).toBe(latestOf(stamps));
  expect(waiting.lastSequenceOf(2 ** 25)).toBe(0);
});

test('waiting records: a batch can be read where it lies', () => {
  const log = new Log(1 << 20);
  const payload = batchOf('m,h=a v=1,s="x" 5\nm,h=b v=2,s="yz" 6');
  log.read([1, 3, 5, 7, 9].map((sequence) => record(1, sequence, payload)));
  const all = [...log.waiting.of(1)].map(({ payload: kept }) => [kept.byteOffset % 8, decodePointBatch(kept).rowCount]); // prettier-ignore
  expect(all).toEqual(Array.from({ length: 5 }, () => [0, 2]));
});

test('waiting records: past a limit the shard is named that is to be opened', () => {
  const log = new Log(10_000);
  expect(log.read([record(1, 1, new Uint8Array(3_000))])).toEqual([]);
  expect(log.read([record(2, 1, new Uint8Array(6_000))])).toEqual([]);
  expect(log.read([record(3, 1, new Uint8Array(2_000))])).toEqual([2]);
  log.waiting.drop(2);
  // Nothing of it waits any more.
  const handed = log.read([record(3, 3, new Uint8Array(3_000))]);
  expect(handed).toEqual([]);
  const wide = new Log(64 * shardBytesMax);
  const eighth = (sequence: number) => record(1, sequence, new Uint8Array(shardBytesMax / 16));
  for (let sequence = 1; sequence < 16; sequence++)
    expect(wide.read([eighth(sequence)])).toEqual([]);
  expect(wide.read([record(2, 1, new Uint8Array(shardBytesMax / 32))])).toEqual([]);
  expect(wide.read([eighth(16)])).toEqual([1]);
});

test('waiting records: of thousands of shards as many are named as it takes to stay below the limit', () => {
  const bytesMax = 4 << 20;
  const log = new Log(bytesMax);
  const ids = Array.from({ length: 8_000 }, (_, i) => i + 1);
  const bytesOf = (): number => ids.reduce((sum, id) => sum + log.waiting.bytesOf(id), 0);
  const opened = new Set<number>();
  for (let round = 0; round < 8; round++) {
    const waiting = ids.filter((id) => !opened.has(id));
    const records = waiting.map((id) => record(id, round * 2 + 1, new Uint8Array(200)));
    for (let at = 0; at < records.length; at += 1_000) {
      for (const id of log.read(records.slice(at, at + 1_000))) {
        log.waiting.drop(id);
        opened.add(id);
      }
      expect(bytesOf()).toBeLessThanOrEqual(bytesMax);
    }
  }
  expect(opened.size).toBeLessThan(7_000);
  expect(bytesOf()).toBeGreaterThan(bytesMax / 2);
});

test('waiting records: what was looked at stays as it was while more comes, to its shard and to thousands of others', () => {
  const log = new Log(64 << 20);
  const payloadOf = (shardId: number) => new Uint8Array(300).fill(shardId % 251);
  log.read([record(1, 1, payloadOf(1))]);
  const [first] = log.waiting.of(1);
  for (let sequence = 2; sequence < 40; sequence++)
    log.read(Array.from({ length: 300 }, (_, i) => record(i + 1, sequence, payloadOf(i + 1))));
  expect(first?.payload).toEqual(payloadOf(1));
  for (const shardId of [1, 2, 300])
    for (const { payload } of log.waiting.of(shardId)) expect(payload).toEqual(payloadOf(shardId));
});
