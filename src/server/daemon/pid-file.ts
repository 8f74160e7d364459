import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DbError, errorText } from '../../base/errors.ts';

/** Writes the process id, making the folder when it is missing; answers what removes it. */
export function writePidFile(path: string, pid: number): () => void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${pid}`);
  } catch (error) {
    throw new DbError('io_error', `write pid file: ${errorText(error)}`, { cause: error });
  }
  return () => {
    rmSync(path, { force: true });
  };
}
