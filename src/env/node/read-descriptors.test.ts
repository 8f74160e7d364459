import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { DiskFile } from '../disk.ts';
import { NodeDisk } from './node-disk.ts';
import { readDescriptorsMax } from './read-descriptors.ts';

const descriptorsMax = 4;
const fileCount = 20;

async function inFolder(body: (disk: NodeDisk, dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(`${tmpdir()}/varve-descriptors-`);
  try {
    await body(new NodeDisk(descriptorsMax), dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** Files `f0` to `f19` with their numbers, open to be read. */
async function openAll(disk: NodeDisk, folder: string): Promise<readonly DiskFile[]> {
  await disk.makeDir(folder);
  const files: DiskFile[] = [];
  for (let i = 0; i < fileCount; i++) {
    await disk.replaceFile(`${folder}/f${i}`, Uint8Array.of(i));
    files.push(await disk.open(`${folder}/f${i}`, 'read'));
  }
  return files;
}

function byteOf(file: DiskFile | undefined): number | undefined {
  const into = new Uint8Array(2);
  return file?.readIntoSync(0, into) === 1 ? into[0] : undefined;
}

/** Descriptors of this process that are of files within a folder. */
async function openWithin(folder: string): Promise<number> {
  let count = 0;
  for (const fd of await readdir('/proc/self/fd')) {
    const path = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (path.startsWith(`${folder}/`)) count++;
  }
  return count;
}

test('read descriptors: any number of files is read with a few', async () => {
  await inFolder(async (disk, dir) => {
    const files = await openAll(disk, `${dir}/a`);
    expect(await openWithin(dir)).toBeLessThanOrEqual(descriptorsMax);
    for (let round = 0; round < 3; round++) {
      for (const [i, file] of files.entries()) expect(byteOf(file)).toBe(i);
      const read = await Promise.all(
        files.map(async (file) => {
          const into = new Uint8Array(1);
          await file.readAt(0, into);
          return into[0];
        }),
      );
      expect(read).toEqual(files.map((_, i) => i));
    }
    for (const file of files) await file.close();
    expect(await openWithin(dir)).toBe(0);
    expect(() => byteOf(files[0])).toThrow('file is open');
  });
});

test('read descriptors: a file whose name is gone, or is that of another, is read on', async () => {
  await inFolder(async (disk, dir) => {
    const files = await openAll(disk, `${dir}/a`);
    await disk.remove(`${dir}/a/f0`);
    await disk.replaceFile(`${dir}/a/f1`, Uint8Array.of(101));
    await disk.rename(`${dir}/a/f2`, `${dir}/a/g2`);
    await disk.rename(`${dir}/a`, `${dir}/b`);
    const others = await openAll(disk, `${dir}/c`);
    for (const [i, file] of files.entries()) expect(byteOf(file)).toBe(i);
    for (const [i, file] of others.entries()) expect(byteOf(file)).toBe(i);
    await disk.removeTree(dir);
    for (const [i, file] of [...files, ...others].entries())
      expect(byteOf(file)).toBe(i % fileCount);
    for (const file of [...files, ...others]) await file.close();
    await disk.makeDir(dir);
    expect(await openWithin(dir)).toBe(0);
  });
});

test('read descriptors: what another thread put in the place of a file is not read for it', async () => {
  await inFolder(async (disk, dir) => {
    const files = await openAll(disk, `${dir}/a`);
    const another = new NodeDisk();
    for (let i = 0; i < fileCount; i++)
      await another.replaceFile(`${dir}/a/f${i}`, Uint8Array.of(200));
    for (const [i, file] of files.entries()) {
      try {
        expect(byteOf(file)).toBe(i);
      } catch (error) {
        expect(error).toMatchObject({ code: 'not_found' });
      }
    }
    for (const file of files) await file.close();
  });
});

test('read descriptors: threads share half of what the process may have', () => {
  const limits = (count: string) => `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${count}                20000                files\n`; // prettier-ignore
  expect(readDescriptorsMax(limits('20000'), 3)).toBe(2_500);
  expect(readDescriptorsMax(limits('100'), 3)).toBe(64);
  expect(readDescriptorsMax(limits('unlimited'), 3)).toBe(16_384);
  expect(readDescriptorsMax('', 3)).toBe(16_384);
});
