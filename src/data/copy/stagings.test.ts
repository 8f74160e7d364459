import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { World, type SimNode } from '../../../test/sim/world/world.ts';
import { MiB } from '../../base/units.ts';
import { Stagings } from './stagings.ts';

const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };

interface Staged {
  readonly node: SimNode;
  readonly stagings: Stagings;
  readonly stagingId: number;
  /** Where it was as the shard was to be given it. */
  readonly folders: string[];
  readonly write: (offsetBytes: number, piece: Uint8Array, sum?: number) => Promise<number>;
}

async function onNode(
  seed: number,
  body: (world: World, staged: Staged) => Promise<void>,
): Promise<void> {
  // prettier-ignore
  const world = new World(seed);
  const node = world.addNode('a');
  const folders: string[] = [];
  const install = ({ staging }: { readonly staging: string }): Promise<void> => {
    folders.push(staging);
    return new Promise(() => undefined);
  };
  const stagings = new Stagings({ ...node.env, local: { install } }, { dataFolder: 'data' });
  const stagingId = await world.complete(stagings.begin(place));
  const write = (offsetBytes: number, piece: Uint8Array, sum = crc32(piece)) =>
    world.complete(stagings.write({ stagingId, name: 'a.tsm', offsetBytes, piece, crc32: sum }));
  await body(world, { node, stagings, stagingId, folders, write });
}

test('stagings: a piece is taken where the file ends, with its sum, and told how much is there whatever comes', () =>
  onNode(1, async (_world, { write }) => {
    const piece = Uint8Array.of(1, 2, 3);
    expect(await write(0, new Uint8Array())).toBe(0);
    expect(await write(0, piece)).toBe(3);
    expect(await write(0, piece)).toBe(3);
    expect(await write(4, piece)).toBe(3);
    expect(await write(3, piece, 9)).toBe(3);
    expect(await write(3, piece)).toBe(6);
  }));

test('stagings: what a shard is given is all on the disk, whatever the power does from then on', async () => {
  for (let seed = 1; seed <= 8; seed++)
    await onNode(seed, async (world, { node, stagings, stagingId, folders, write }) => {
      const pieces = [new Uint8Array(MiB).fill(1), new Uint8Array(100).fill(2)];
      let at = 0;
      for (const piece of pieces) at = await write(at, piece);
      void stagings.install(stagingId, { copyIndex: 1, deletes: [] });
      await world.run(world.nowMs + 1_000);
      expect(folders).toHaveLength(1);
      node.crash();
      const { disk } = node.restart();
      const bytes = await world.complete(disk.readFile(`${folders[0]}/a.tsm`));
      expect(Buffer.compare(bytes, Buffer.concat(pieces))).toBe(0);
    });
});
