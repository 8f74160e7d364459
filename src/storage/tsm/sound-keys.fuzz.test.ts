import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import type { Disk } from '../../env/disk.ts';
import { soundKeys } from './sound-keys.ts';
import { TsmScan } from './tsm-scan.ts';
import type { TsmSeal } from './tsm-seal.ts';
import { TsmWriter } from './tsm-writer.ts';

const encoder = new TextEncoder();
const keyCount = 700;

async function write(disk: Disk): Promise<TsmSeal> {
  const writer = new TsmWriter(await disk.open('a.tsm', 'create'));
  for (let i = 0; i < keyCount; i++) {
    const key = encoder.encode(`cpu,host=${String(i).padStart(4, '0')}#!~#v`);
    for (const minTimeNs of [10n, 20n]) writer.add({ key, type: 0, minTimeNs, maxTimeNs: minTimeNs + 5n, bytes: Uint8Array.of(1, 2) }); // prettier-ignore
  }
  return writer.finish();
}

interface Found {
  readonly keys: readonly string[];
  readonly lostBytes: number;
}

/** With all that the index says of it, as text. */
async function find(disk: Disk, seal: TsmSeal): Promise<Found> {
  const keys: string[] = [];
  let lostBytes = 0;
  const scan = await TsmScan.openBare(disk, 'a.tsm', seal);
  for await (const found of soundKeys(scan, seal))
    if ('entries' in found)
      keys.push(`${Buffer.from(found.key).toString()} ${found.type} ${found.entries.map((entry) => Object.values(entry).join()).join(' ')}`); // prettier-ignore
    else lostBytes += found.lengthBytes;
  await scan.close();
  return { keys, lostBytes };
}

test('sound keys: whatever bit is turned over, what is given out is what was written, and no more than a few KiB of the index is lost', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const seal = await write(disk);
    const good = await disk.readFile('a.tsm');
    const { keys: all } = await find(disk, seal);
    expect(all).toHaveLength(keyCount);
    const known = new Set(all);
    const indexAt = seal.lengthBytes - 8 - seal.indexBytes;
    const damaged = async (places: readonly number[]): Promise<Found> => {
      const bad = good.slice();
      for (const at of places) bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await disk.replaceFile('a.tsm', bad);
      const found = await find(disk, seal);
      expect(
        found.keys.every((key) => known.has(key)),
        `bits of ${places.join()}`,
      ).toBe(true);
      return found;
    };
    // From within the last blocks over the directory and the index to the tail.
    for (let at = indexAt - 1_500; at < good.length; at += 97) {
      const { keys, lostBytes } = await damaged([at]);
      const isOfIndex = at >= indexAt && at < seal.lengthBytes - 8;
      expect(lostBytes > 0, `bit of ${at}`).toBe(isOfIndex);
      expect(lostBytes).toBeLessThan(7_000);
      expect(new Set(keys).size).toBe(keys.length);
      if (!isOfIndex) expect(keys).toEqual(all);
    }
    // Of a directory and an index that are both damaged what no sum vouches for is lost.
    for (let at = indexAt - 1_500; at < indexAt; at += 53) {
      const { lostBytes } = await damaged([at, indexAt + 9_000]);
      expect(lostBytes).toBeGreaterThan(0);
    }
  };
  await world.complete(work(), 10_000_000);
});
