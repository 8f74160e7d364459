import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { NodeDisk } from './node-disk.ts';

test('node disk: errors name the operation, the path and the errno', async () => {
  const disk = new NodeDisk();
  await expect(disk.open('/no/such/file', 'open')).rejects.toMatchObject({
    code: 'not_found',
    message: 'open /no/such/file: no such file or directory',
  });
  await expect(disk.readFile('/proc')).rejects.toMatchObject({
    code: 'io_error',
    message: 'read /proc: is a directory',
  });
});

test('node disk: a folder where none can be made is an error, and does not take for ever', async () => {
  await expect(new NodeDisk().makeDir('/proc/none/at/all')).rejects.toMatchObject({
    code: 'not_found',
    message: 'mkdir /proc/none/at/all: no such file or directory',
  });
});

test('node disk: of a replacement that a full device does not take nothing is left, and what was there stays', async () => {
  const dir = await mkdtemp(`${tmpdir()}/varve-disk-`);
  try {
    const disk = new NodeDisk();
    await disk.replaceFile(`${dir}/f`, Buffer.from('before'));
    await symlink('/dev/full', `${dir}/f.tmp`);
    await expect(disk.replaceFile(`${dir}/f`, Buffer.from('after'))).rejects.toMatchObject({ code: 'disk_full' }); // prettier-ignore
    expect(await disk.list(dir)).toEqual([{ name: 'f', isDirectory: false }]);
    expect(Buffer.from(await disk.readFile(`${dir}/f`)).toString()).toBe('before');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('node disk: a full device is disk_full', async () => {
  const disk = new NodeDisk();
  const file = await disk.open('/dev/full', 'open');
  await expect(file.append([Uint8Array.of(1)])).rejects.toMatchObject({
    code: 'disk_full',
    message: 'write /dev/full: no space left on device',
  });
  expect(file.lengthBytes).toBe(0);
  await file.close();
});

test('node disk: a closed file refuses use rather than touch another one', async () => {
  const dir = await mkdtemp(`${tmpdir()}/varve-disk-`);
  try {
    const file = await new NodeDisk().open(`${dir}/f`, 'create');
    await file.close();
    await expect(file.append([Uint8Array.of(1)])).rejects.toThrow('file is open');
    expect(() => file.readIntoSync(0, new Uint8Array(1))).toThrow('file is open');
  } finally {
    await rm(dir, { recursive: true });
  }
});

/** What is said by whoever makes a folder durably and then syncs another; root may read all, so that nobody does it for him. */
async function saidByNobody(made: string, synced: string): Promise<string> {
  const [nodeDisk, durable] = ['./node-disk.ts', '../make-durable-dir.ts'].map((path) => JSON.stringify(import.meta.resolve(path))); // prettier-ignore
  const script = `
    import { NodeDisk } from ${nodeDisk};
    import { makeDurableDir } from ${durable};
    const disk = new NodeDisk();
    await makeDurableDir(disk, process.argv[1]);
    await disk.syncDir(process.argv[2]).catch(({ code }) => console.log(code));`;
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const args = ['--input-type=module', '--eval', script, made, synced];
  const { stdout } = await promisify(execFile)(process.execPath, args, { ...nobody, cwd: '/' });
  return stdout;
}

test('node disk: a folder above its own that a node may only pass through keeps it from nothing', async () => {
  const above = await mkdtemp(`${tmpdir()}/varve-disk-`);
  const [own, hidden] = [`${above}/own`, `${above}/hidden`];
  try {
    for (const folder of [own, hidden]) await mkdir(folder);
    await chmod(own, 0o777);
    await chmod(hidden, 0o333);
    await chmod(above, 0o111);
    // Of one that it may write to a name may be of its making, and not durable.
    expect(await saidByNobody(`${own}/data`, hidden)).toBe('io_error\n');
    expect(await new NodeDisk().list(own)).toEqual([{ name: 'data', isDirectory: true }]);
  } finally {
    await chmod(above, 0o700);
    await rm(above, { recursive: true });
  }
});
