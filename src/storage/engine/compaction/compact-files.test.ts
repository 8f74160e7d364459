import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { joinBytes } from '../../../codec/bytes.ts';
import { encodeBlock } from '../../../codec/block.ts';
import { encodeTimes } from '../../../codec/times.ts';
import { FieldType } from '../../../models/field-value.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { TsmWriter } from '../../tsm/tsm-writer.ts';
import { compactFiles } from './compact-files.ts';
import { Throttle } from './throttle.ts';

const key = new TextEncoder().encode('m#!~#f');

/** One text of `count` times the same letter at time 0, packed as snappy may and this project does not: as it is. */
function unpackedText(count: number): Uint8Array {
  const times = encodeTimes(BigInt64Array.of(0n));
  const lengthOf = (value: number): number[] => [(value & 127) | 128, value >>> 7];
  const text = [...lengthOf(count), ...new Uint8Array(count).fill(97)];
  const literal = [61 << 2, (text.length - 1) & 255, (text.length - 1) >>> 8];
  const values = [0x10, ...lengthOf(text.length), ...literal, ...text];
  return joinBytes([FieldType.string, times.length], times, values);
}

test('compaction: the only block of a key is packed anew at the last level where numbers get shorter, and stays as it is otherwise', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const ports = { disk, blocks: new PageCache(1 << 20) };
  const blockOf = async (path: string): Promise<Uint8Array> => {
    const file = await TsmFile.open(ports, path);
    const entry = file.column(key)?.entry(0);
    await file.close();
    const { offset = 0, lengthBytes = 0 } = entry ?? {};
    return (await disk.readFile(path)).slice(offset + 4, offset + lengthBytes);
  };
  const compacted = async (type: FieldType, bytes: Uint8Array): Promise<Uint8Array> => {
    const path = `00000000${type + 1}-000000001.tsm`;
    const outPath = path.replace('1.tsm', '4.tsm');
    const writer = new TsmWriter(await disk.open(path, 'create'));
    writer.add({ key, type, minTimeNs: 0n, maxTimeNs: 999n, bytes });
    await writer.finish();
    expect(await blockOf(path)).toEqual(bytes);
    const input = await TsmFile.open(ports, path);
    const throttle = new Throttle({ clock }, { bytesPerSecond: 0, burstBytes: 0 });
    const request = { inputs: [input], pathOf: () => outPath, rowsPerBlock: 1_000, fileBytesMax: 1 << 20, isClose: true }; // prettier-ignore
    const turn = () => Promise.resolve();
    const [out] = await compactFiles(request, { disk, clock, turn, throttle, isCancelled: () => false }); // prettier-ignore
    await input.close();
    await disk.rename(out?.path ?? '', outPath);
    return blockOf(outPath);
  };
  await world.complete(
    (async () => {
      const text = unpackedText(1_000);
      expect(await compacted(FieldType.string, text)).toEqual(text);
      const timesNs = BigInt64Array.from({ length: 1_000 }, (_, i) => BigInt(i));
      const values = Float64Array.from(timesNs, (ns) => ((Number(ns) * 7_919) % 10_007) / 100);
      const quick = encodeBlock({ type: FieldType.float, timesNs, values });
      const close = await compacted(FieldType.float, quick);
      expect(close.length).toBeLessThan(quick.length);
    })(),
  );
});
