import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { chmod, chown, mkdir, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DbError } from '../../../base/errors.ts';
import { listenFault } from '../../../base/listen-fault.ts';

/** `[http] bind-socket`, `unix-socket-permissions` and `unix-socket-group` (spec 5.2). */
export interface UnixSocketSettings {
  readonly path: string;
  /** Bits of the mode. */
  readonly permissions: number;
  /** A name or a number; '' leaves it to the process. */
  readonly group: string;
}

export interface UnixListener {
  close(): void;
}

/**
 * Listens on a socket in the file system; what a node that was killed has left at its path makes room. Throws `unavailable` with
 * the path and what is wrong.
 */
export async function listenOnUnixSocket(
  { path, permissions, group }: UnixSocketSettings,
  accept: (socket: Socket) => void,
): Promise<UnixListener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, accept);
  try {
    const gid = group === '' ? 0 : await groupIdOf(group);
    await mkdir(dirname(path), { recursive: true });
    await removeOld(path);
    server.listen(path);
    await once(server, 'listening');
    await chmod(path, permissions);
    if (gid !== 0) await chown(path, -1, gid);
  } catch (error) {
    server.close();
    throw new DbError('unavailable', `listen unix ${path}: ${listenFault(error)}`, {
      cause: error,
    });
  }
  // Of a single connection that could not be accepted: there are too many files open.
  server.on('error', () => undefined);
  return {
    close: () => {
      server.close();
    },
  };
}

async function removeOld(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Throws for a name that the machine does not know. */
async function groupIdOf(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const groups = await readFile('/etc/group', 'utf8');
  const line = groups.split('\n').find((one) => one.startsWith(`${group}:`));
  const id = Number(line?.split(':')[2]);
  if (!Number.isSafeInteger(id))
    throw new DbError('invalid_argument', `group: unknown group ${group}`);
  return id;
}
