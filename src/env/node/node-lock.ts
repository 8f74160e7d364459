import { stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { DbError } from '../../base/errors.ts';
import type { DiskLock } from '../disk.ts';
import { diskError, isErrno } from './errno.ts';

/**
 * Node has no flock. A Linux abstract socket is as good: the kernel gives a name to one socket only and takes it
 * back when the process dies, however it dies. The name is the identity of the lock file (device and inode), so
 * that two paths to one file meet. Processes in different network namespaces do not see each other's locks.
 */
export async function lockFile(path: string): Promise<DiskLock> {
  const name = await lockName(path);
  const server = createServer((socket) => socket.destroy());
  try {
    await bind(server, name);
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) {
      throw new DbError('conflict', `${path} is locked by another process`, { cause: error });
    }
    throw diskError('lock', path, error);
  }
  server.unref();
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function lockName(path: string): Promise<string> {
  try {
    await writeFile(path, '', { flag: 'a' });
    const { dev, ino } = await stat(path, { bigint: true });
    return `\0varve-lock-${dev}-${ino}`;
  } catch (error) {
    throw diskError('lock', path, error);
  }
}

function bind(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: name, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
