import type { DirEntry, Disk } from '../../../src/env/disk.ts';
import { ColumnKernel } from '../../../src/kernels/column-kernel.ts';
import { compiledKernels } from '../../../src/kernels/module/kernel-module.ts';
import {
  decodeManifest,
  encodeManifest,
} from '../../../src/storage/store/shards/shard-manifest.ts';
import { tombstoneMagics } from '../../../src/storage/tsm/tombstones.ts';
import { tsmNameOf } from '../../../src/storage/tsm/tsm-format.ts';
import { withoutSync, wrapped } from '../world/lax-disk.ts';

/** Bugs of compactions, tombstones and index segments, each a port that breaks its promise. */
export const storePlants = [
  'compaction-not-synced',
  'inputs-gone-early',
  'inputs-left-behind',
  'oldest-wins',
  'tombstones-not-synced',
  'tombstones-replaced',
  'delete-not-marked',
  'segments-not-synced',
  'gone-series-forgotten',
  'segments-unlisted',
  'files-by-level',
] as const;
export type StorePlant = (typeof storePlants)[number];

/** The disk of a store, with the bug in it. */
export function plantedDisk(disk: Disk, plant: StorePlant | undefined): Disk {
  switch (plant) {
    case 'compaction-not-synced':
      // What a compaction writes has its place as its name until all of it is written.
      return withoutSync(disk, (path) => /\/\d\.tsm\.tmp$/.test(path));
    case 'segments-not-synced':
      return withoutSync(disk, (path) => path.endsWith('.index.tmp'));
    case 'inputs-gone-early':
      return wrapped(disk, { rename: (from, to) => renameAndRemove(disk, from, to) });
    case 'inputs-left-behind':
      return wrapped(disk, {
        remove: (path) => (path.endsWith('.tsm') ? Promise.resolve() : disk.remove(path)),
      });
    case 'tombstones-not-synced':
      return wrapped(disk, { replaceFile: (path, bytes) => replaceLaxly(disk, path, bytes) });
    case 'tombstones-replaced':
      return wrapped(disk, { replaceFile: (path, bytes) => replaceOlder(disk, path, bytes) });
    case 'gone-series-forgotten':
      return wrapped(disk, {
        replaceFile: (path, bytes) =>
          path.endsWith('.gone') ? Promise.resolve() : disk.replaceFile(path, bytes),
      });
    case 'delete-not-marked':
      return withManifest(disk, (manifest) => ({ ...manifest, pendingDelete: undefined }));
    case 'segments-unlisted':
      // All but the oldest: a shard without any is taken for one of before there was an index.
      return withManifest(disk, ({ segments = new Map<string, never>(), ...manifest }) => ({
        ...manifest,
        segments: new Map([...segments].slice(0, 1)),
      }));
    case 'files-by-level':
      return wrapped(disk, { list: async (path) => [...(await disk.list(path))].sort(byLevel) });
    default:
      return disk;
  }
}

/** A start takes what is of a higher level for newer. */
function byLevel(one: DirEntry, other: DirEntry): number {
  const levelOf = ({ name }: DirEntry): number => tsmNameOf(name)?.sequence ?? 0;
  return levelOf(one) - levelOf(other);
}

/** What merges numbers for compactions, with the bug in it. */
export function plantedKernel(plant: StorePlant | undefined): ColumnKernel {
  const kernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 24 });
  if (plant !== 'oldest-wins') return kernel;
  const merge = kernel.merge.bind(kernel);
  kernel.merge = (parts, width) => merge([...parts].reverse(), width);
  return kernel;
}

function isCompacted(path: string): boolean {
  const name = tsmNameOf(path.slice(path.lastIndexOf('/') + 1));
  return name !== undefined && name.sequence > 1;
}

/** A compaction removes what it has read when its output has its name, before the manifest knows of that. */
async function renameAndRemove(disk: Disk, from: string, to: string): Promise<void> {
  await disk.rename(from, to);
  if (!isCompacted(to)) return;
  const folder = to.slice(0, to.lastIndexOf('/'));
  const manifest = await disk.readFile(`${folder}/shard.json`);
  for (const name of decodeManifest(to, manifest).files.keys()) await disk.remove(`${folder}/${name}`); // prettier-ignore
  await disk.syncDir(folder);
}

/** Neither the bytes of tombstones are durable nor their name. */
async function replaceLaxly(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  if (!path.endsWith('.tombstone')) return disk.replaceFile(path, bytes);
  const file = await disk.open(`${path}.lax`, 'create');
  await file.append([bytes]);
  await file.close();
  await disk.rename(`${path}.lax`, path);
}

/** Tombstones of a later delete take the place of those before. */
async function replaceOlder(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  if (!path.endsWith('.tombstone')) return disk.replaceFile(path, bytes);
  const before = (await disk.size(path)) ?? 0;
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, tombstoneMagics.members);
  await disk.replaceFile(path, Buffer.concat([head, bytes.subarray(Math.max(head.length, before))])); // prettier-ignore
}

type Manifest = ReturnType<typeof decodeManifest>;

function withManifest(disk: Disk, change: (manifest: Manifest) => Manifest): Disk {
  return wrapped(disk, {
    replaceFile: (path, bytes) => {
      if (!path.endsWith('/shard.json')) return disk.replaceFile(path, bytes);
      return disk.replaceFile(path, encodeManifest(change(decodeManifest(path, bytes))));
    },
  });
}
