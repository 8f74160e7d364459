import { expect, test } from 'vitest';
import type { Disk } from '../../../src/env/disk.ts';
import type { Run } from './harness.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const code = (want: string): unknown => expect.objectContaining({ code: want }) as unknown;

/** `dir` is an empty folder. */
export function diskContract(
  name: string,
  run: Run<{ readonly disk: Disk; readonly dir: string }>,
): void {
  fileContract(name, run);
  nameContract(name, run);

  test(`${name}: a lock is exclusive until released`, () =>
    run(async ({ disk, dir }) => {
      const lock = await disk.lock(`${dir}/LOCK`);
      await expect(disk.lock(`${dir}/LOCK`)).rejects.toEqual(code('conflict'));
      const other = await disk.lock(`${dir}/OTHER`);
      await lock.release();
      await (await disk.lock(`${dir}/LOCK`)).release();
      await other.release();
      await expect(disk.lock(`${dir}/missing/LOCK`)).rejects.toEqual(code('not_found'));
    }));

  test(`${name}: free bytes are a number of bytes`, () =>
    run(async ({ disk, dir }) => {
      expect(await disk.freeBytes(dir)).toBeGreaterThan(0);
    }));
}

function fileContract(name: string, run: Run<{ readonly disk: Disk; readonly dir: string }>): void {
  test(`${name}: appended parts are read back in order`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      await file.append([bytes('one '), new Uint8Array(0), bytes('two ')]);
      await file.append([]);
      await file.append([bytes('three')]);
      expect(file.lengthBytes).toBe(13);
      const into = new Uint8Array(20);
      expect(await file.readAt(4, into)).toBe(9);
      expect(text(into.subarray(0, 9))).toBe('two three');
      expect(file.readIntoSync(8, into.subarray(0, 3))).toBe(3);
      expect(text(into.subarray(0, 3))).toBe('thr');
      expect(await file.readAt(13, into)).toBe(0);
      expect(file.readIntoSync(99, into)).toBe(0);
      await file.sync();
      await file.close();
      await file.close();
      expect(text(await disk.readFile(`${dir}/f`))).toBe('one two three');
      expect(await disk.size(`${dir}/f`)).toBe(13);
    }));

  test(`${name}: an append of many parts is whole`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      const parts = Array.from({ length: 5000 }, (_, index) => Uint8Array.of(index, index >> 8));
      await file.append(parts);
      await file.close();
      const got = await disk.readFile(`${dir}/f`);
      expect(got.length).toBe(10_000);
      expect(got[9998]).toBe(4999 & 255);
      expect(got[9999]).toBe(4999 >> 8);
    }));

  test(`${name}: open modes create, keep, empty or refuse`, () =>
    run(async ({ disk, dir }) => {
      const path = `${dir}/f`;
      await expect(disk.open(path, 'open')).rejects.toEqual(code('not_found'));
      await expect(disk.open(path, 'read')).rejects.toEqual(code('not_found'));
      await (await disk.open(`${dir}/exclusive`, 'exclusive')).close();
      await expect(disk.open(`${dir}/exclusive`, 'exclusive')).rejects.toEqual(code('already_exists')); // prettier-ignore
      await expect(disk.readFile(path)).rejects.toEqual(code('not_found'));
      await expect(disk.open(`${dir}/no/f`, 'create')).rejects.toEqual(code('not_found'));
      for (const want of ['x', 'xx']) {
        const file = await disk.open(path, 'append');
        await file.append([bytes('x')]);
        await file.close();
        expect(text(await disk.readFile(path))).toBe(want);
      }
      const opened = await disk.open(path, 'open');
      expect(opened.lengthBytes).toBe(2);
      await opened.writeAt(1, bytes('yz'));
      expect(opened.lengthBytes).toBe(3);
      await opened.close();
      expect(text(await disk.readFile(path))).toBe('xyz');
      const read = await disk.open(path, 'read');
      await expect(read.append([bytes('no')])).rejects.toEqual(code('io_error'));
      await read.close();
      await (await disk.open(path, 'create')).close();
      expect(await disk.size(path)).toBe(0);
    }));

  test(`${name}: truncate cuts and grows with zeros`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      await file.append([bytes('abcdef')]);
      await file.truncate(2);
      await file.append([bytes('Z')]);
      expect(file.lengthBytes).toBe(3);
      await file.truncate(5);
      await file.close();
      expect([...(await disk.readFile(`${dir}/f`))]).toEqual([97, 98, 90, 0, 0]);
    }));

  test(`${name}: a write past the end leaves zeros between`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      await file.writeAt(3, bytes('x'));
      expect(file.lengthBytes).toBe(4);
      await file.close();
      expect([...(await disk.readFile(`${dir}/f`))]).toEqual([0, 0, 0, 120]);
    }));

  test(`${name}: reads run beside appends and syncs`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      await file.append([bytes('0123456789')]);
      const into = new Uint8Array(10);
      const [count] = await Promise.all([
        file.readAt(0, into),
        file.append([bytes('abc')]),
        file.sync(),
        file.sync(),
      ]);
      expect(count).toBe(10);
      expect(file.lengthBytes).toBe(13);
      await file.close();
    }));

  test(`${name}: a removed file stays readable where it is open`, () =>
    run(async ({ disk, dir }) => {
      const file = await disk.open(`${dir}/f`, 'create');
      await file.append([bytes('still')]);
      await disk.remove(`${dir}/f`);
      expect(await disk.size(`${dir}/f`)).toBe(undefined);
      const into = new Uint8Array(5);
      expect(file.readIntoSync(0, into)).toBe(5);
      expect(text(into)).toBe('still');
      await file.close();
    }));
}

function nameContract(name: string, run: Run<{ readonly disk: Disk; readonly dir: string }>): void {
  test(`${name}: folders list their names sorted`, () =>
    run(async ({ disk, dir }) => {
      await disk.makeDir(`${dir}/b/c/d`);
      await disk.makeDir(`${dir}/b/c`);
      for (const file of ['z', 'a', 'Z']) await disk.replaceFile(`${dir}/${file}`, bytes(file));
      expect(await disk.list(dir)).toEqual([
        { name: 'Z', isDirectory: false },
        { name: 'a', isDirectory: false },
        { name: 'b', isDirectory: true },
        { name: 'z', isDirectory: false },
      ]);
      expect(await disk.list(`${dir}/missing`)).toEqual([]);
      expect(await disk.list(`${dir}/b/c/d`)).toEqual([]);
      await disk.syncDir(dir);
      await expect(disk.syncDir(`${dir}/missing`)).rejects.toEqual(code('not_found'));
    }));

  test(`${name}: rename replaces, link shares, remove forgives`, () =>
    run(async ({ disk, dir }) => {
      await disk.replaceFile(`${dir}/a`, bytes('a'));
      await disk.replaceFile(`${dir}/b`, bytes('b'));
      await disk.rename(`${dir}/a`, `${dir}/b`);
      expect(text(await disk.readFile(`${dir}/b`))).toBe('a');
      expect(await disk.size(`${dir}/a`)).toBe(undefined);
      await expect(disk.rename(`${dir}/a`, `${dir}/c`)).rejects.toEqual(code('not_found'));
      await disk.link(`${dir}/b`, `${dir}/l`);
      await expect(disk.link(`${dir}/b`, `${dir}/l`)).rejects.toEqual(code('already_exists'));
      await disk.remove(`${dir}/b`);
      await disk.remove(`${dir}/b`);
      expect(text(await disk.readFile(`${dir}/l`))).toBe('a');
    }));

  test(`${name}: a folder moves with what is in it`, () =>
    run(async ({ disk, dir }) => {
      await disk.makeDir(`${dir}/x/y`);
      await disk.replaceFile(`${dir}/x/y/f`, bytes('f'));
      await disk.rename(`${dir}/x`, `${dir}/w`);
      expect(text(await disk.readFile(`${dir}/w/y/f`))).toBe('f');
      await disk.removeTree(`${dir}/w`);
      await disk.removeTree(`${dir}/w`);
      expect(await disk.list(dir)).toEqual([]);
    }));

  test(`${name}: replaceFile leaves the whole new content and no other name`, () =>
    run(async ({ disk, dir }) => {
      const versions = ['first', 'second', 'third'].map(bytes);
      await Promise.all(versions.map((version) => disk.replaceFile(`${dir}/f`, version)));
      await disk.replaceFile(`${dir}/f`, bytes('last'));
      expect(text(await disk.readFile(`${dir}/f`))).toBe('last');
      expect((await disk.list(dir)).map((entry) => entry.name)).toEqual(['f']);
    }));
}
