import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import type { Disk } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import { textColumn } from '../../models/batch-writer.ts';
import { TsmScan } from '../tsm/tsm-scan.ts';
import { GatheredPoints } from './gathered-points.ts';

/** Every value of a file, as `key time value`. */
async function valuesIn(disk: Disk, path: string): Promise<readonly string[]> {
  const scan = await TsmScan.open(disk, path);
  const found: string[] = [];
  for await (const { key, entries } of scan.keys())
    for (const entry of entries) {
      const { timesNs, values } = await scan.values(entry);
      timesNs.forEach((timeNs, row) => {
        const value =
          'offsets' in values
            ? Buffer.from(values.bytes.subarray(values.offsets[row], values.offsets[row + 1])).toString() // prettier-ignore
            : String(values[row]);
        found.push(`${Buffer.from(key).toString('latin1')} ${timeNs} ${value}`);
      });
    }
  await scan.close();
  return found;
}

async function written(fill: (points: GatheredPoints) => void): Promise<readonly string[]> {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const points = new GatheredPoints();
  fill(points);
  const work = async () => {
    await points.write(await disk.open('a.tsm', 'create'));
    expect(points.isEmpty).toBe(true);
    return valuesIn(disk, 'a.tsm');
  };
  return world.complete(work());
}

const floats = (key: string, ...rows: readonly (readonly [bigint, number])[]) => ({
  key,
  type: FieldType.float,
  timesNs: BigInt64Array.from(rows, ([time]) => time),
  values: Float64Array.from(rows, ([, value]) => value),
});

test('gathered points: in the order of keys and times, of equal times the last one', async () => {
  const values = await written((points) => {
    points.add(floats('b#!~#v', [3n, 1], [1n, 2], [3n, 4]));
    points.add(floats('a#!~#v', [-5n, 1.5], [0n, 0]));
    points.add(floats('b#!~#v', [1n, 7], [2n, 8]));
    // Bytes that are no UTF-8 keep their place and stay as they are.
    points.add(floats('a\xff#!~#v', [1n, 1]));
    points.add({ key: 'c#!~#s', type: FieldType.string, timesNs: BigInt64Array.of(2n, 1n), values: textColumn(['é', '']) }); // prettier-ignore
  });
  expect(values).toEqual([
    'a#!~#v -5 1.5',
    'a#!~#v 0 0',
    'a\xff#!~#v 1 1',
    'b#!~#v 1 7',
    'b#!~#v 2 8',
    'b#!~#v 3 4',
    'c#!~#s 1 ',
    'c#!~#s 2 é',
  ]);
});

test('gathered points: a delete takes what came before it, and no more', async () => {
  const values = await written((points) => {
    points.add(floats('a', [1n, 1], [2n, 2], [3n, 3]));
    points.add(floats('b', [1n, 1]));
    points.delete(['a', 'b', 'c'], { minTimeNs: 1n, maxTimeNs: 2n });
    points.add(floats('a', [2n, 20]));
  });
  expect(values).toEqual(['a 2 20', 'a 3 3']);
});

test('gathered points: a key that comes with another type begins anew', async () => {
  const values = await written((points) => {
    points.add(floats('a', [1n, 1]));
    points.add({ key: 'a', type: FieldType.integer, timesNs: BigInt64Array.of(2n), values: BigInt64Array.of(-(2n ** 63n)) }); // prettier-ignore
  });
  expect(values).toEqual(['a 2 -9223372036854775808']);
});

test('gathered points: more rows than a block takes, and an end to what memory takes', async () => {
  const rows = Array.from({ length: 2_500 }, (_, i) => [BigInt(2_500 - i), i] as const);
  const values = await written((points) => {
    points.add(floats('a', ...rows));
    expect(points.isFull).toBe(false);
  });
  expect(values.length).toBe(2_500);
  expect(values[0]).toBe('a 1 2499');
  const full = new GatheredPoints({ valuesMax: 3 });
  full.add(floats('a', [1n, 1], [2n, 2], [3n, 3]));
  expect(full.isFull).toBe(true);
});
