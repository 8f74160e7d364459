import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DbError, errorText } from '../../base/errors.ts';

/**
 * Writes the process id, making the folder when it is missing; answers what takes it back. A start that fails since the node runs already
 * puts the id of that one back: whoever is to stop it has nothing else to know it by.
 */
export function writePidFile(path: string, pid: number): () => void {
  const before = readId(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${pid}`);
  } catch (error) {
    throw new DbError('io_error', `write pid file: ${errorText(error)}`, { cause: error });
  }
  return () => {
    // Another start has written its own meanwhile.
    if (readId(path) !== pid) return;
    if (before !== undefined && before !== pid && isRunning(before))
      writeFileSync(path, `${before}`);
    else rmSync(path, { force: true });
  };
}

/** Undefined for no file, and for one that has no process id. */
function readId(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
