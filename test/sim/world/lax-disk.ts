import type { Disk, DiskFile } from '../../../src/env/disk.ts';

/** Files that say they are synced and are not. */
export function withoutSync(disk: Disk, isLax: (path: string) => boolean): Disk {
  return wrapped(disk, {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return isLax(path) ? laxFile(file) : file;
    },
  });
}

/** The file, which says that it is synced and is not. */
export function laxFile(file: DiskFile): DiskFile {
  return {
    path: file.path,
    get lengthBytes() {
      return file.lengthBytes;
    },
    append: (parts) => file.append(parts),
    writeAt: (offset, bytes) => file.writeAt(offset, bytes),
    readAt: (offset, into) => file.readAt(offset, into),
    readIntoSync: (offset, into) => file.readIntoSync(offset, into),
    sync: () => Promise.resolve(),
    truncate: (lengthBytes) => file.truncate(lengthBytes),
    close: () => file.close(),
  };
}

/** The disk with some of its operations replaced. */
export function wrapped(disk: Disk, replaced: Partial<Disk>): Disk {
  return new Proxy(disk, {
    get: (target, name) => {
      const own: unknown = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
