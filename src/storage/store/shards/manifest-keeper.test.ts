import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { makeDurableDir } from '../../../env/make-durable-dir.ts';
import { ManifestKeeper } from './manifest-keeper.ts';
import { readManifest, type ShardManifest } from './shard-manifest.ts';

const folder = 'data/d/p/7';
const [one, two] = ['000000001-000000001.tsm', '000000002-000000001.tsm'];
const empty: ShardManifest = { flushedSequence: 0, files: new Map() };
const upTo = (flushedSequence: number) => (manifest: ShardManifest) => ({ ...manifest, flushedSequence }); // prettier-ignore

async function inWorld(
  body: (keeper: ManifestKeeper, disk: FailingDisk) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const disk = new FailingDisk(world.addNode('a').env.disk, { failAt: Infinity });
  const whole = async (): Promise<void> => {
    await disk.makeDir(folder);
    await body(new ManifestKeeper(disk, folder, empty), disk);
  };
  await world.complete(whole());
}

test('shard.json: changes are written one behind the other, each on top of the one before', async () => {
  await inWorld(async (keeper, disk) => {
    const add = ({ flushedSequence }: ShardManifest) => upTo(flushedSequence + 1)(empty);
    await Promise.all([keeper.update(add), keeper.update(add), keeper.update(add)]);
    expect(keeper.manifest.flushedSequence).toBe(3);
    expect((await readManifest(disk, folder)).flushedSequence).toBe(3);
  });
});

test('shard.json: a change that could not be written has not happened, and the next one does not hang on it', async () => {
  await inWorld(async (keeper, disk) => {
    await keeper.update(upTo(1));
    disk.failIn(1);
    const [failed, next] = await Promise.allSettled([keeper.update(upTo(2)), keeper.update((manifest) => ({ ...manifest, gone: [one] }))]); // prettier-ignore
    expect([failed.status, next.status]).toEqual(['rejected', 'fulfilled']);
    expect(keeper.manifest).toMatchObject({ flushedSequence: 1, gone: [one] });
    expect(await readManifest(disk, folder)).toMatchObject({ flushedSequence: 1, gone: [one] });
  });
});

test('shard.json: a file that nobody named is gone from the disk, or the next change says that it is', async () => {
  await inWorld(async (keeper, disk) => {
    const made = async (name: string) => disk.replaceFile(`${folder}/${name}`, new Uint8Array(1));
    const isThere = async (name: string) => (await disk.size(`${folder}/${name}`)) !== undefined;
    await made(one);
    await keeper.takeBack([one]);
    expect(await isThere(one)).toBe(false);
    await keeper.settle();
    expect(keeper.manifest.gone).toBeUndefined();
    await made(two);
    disk.failIn(1);
    await keeper.takeBack([two]);
    expect(await isThere(two)).toBe(true);
    await keeper.settle();
    expect((await readManifest(disk, folder)).gone).toEqual([two]);
    // Said once it need not be said again, and a file of that name may come to be one of the shard.
    const written = disk.callCount;
    await keeper.settle();
    expect(disk.callCount).toBe(written);
  });
});

test('shard.json: of files whose change failed the next one says that they are gone, unless they are the shard’s by then', async () => {
  await inWorld(async (keeper, disk) => {
    keeper.disown([one, two]);
    disk.failIn(1);
    await expect(keeper.settle()).rejects.toMatchObject({ code: 'io_error' });
    const seal = { lengthBytes: 1, indexCrc: 1 } as never;
    await keeper.update((manifest) => ({ ...manifest, files: new Map([[two, seal]]) }));
    expect([keeper.manifest.gone, [...keeper.manifest.files.keys()]]).toEqual([[one], [two]]);
  });
});

test('shard.json: a file that was taken back is not there again after a loss of power', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new World(seed);
    const node = world.addNode('a');
    const { disk } = node.env;
    const takeBack = async (): Promise<void> => {
      await makeDurableDir(disk, folder);
      await disk.replaceFile(`${folder}/${one}`, new Uint8Array(1));
      await new ManifestKeeper(disk, folder, empty).takeBack([one]);
    };
    await world.complete(takeBack());
    node.crash();
    const found = await world.complete(node.restart().disk.list(folder));
    expect(found).toEqual([]);
  }
});
