import { DbError, type DbErrorCode, errorText } from '../../base/errors.ts';

const codes: Readonly<Record<string, DbErrorCode>> = {
  ENOENT: 'not_found',
  EEXIST: 'already_exists',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  // Nothing is wrong with the file: a moment later it may be opened.
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
};

/** As the reference, and so everybody who searches for it, calls them. */
const texts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file exists',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EIO: 'input/output error',
  EROFS: 'read-only file system',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in system',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  ENAMETOOLONG: 'file name too long',
  ENOTEMPTY: 'directory not empty',
  EFBIG: 'file too large',
};

/** The DbError of a failed file operation: what was done, the path and what the system said. */
export function diskError(operation: string, path: string, error: unknown): DbError {
  if (error instanceof DbError) return error;
  const errno = (error as NodeJS.ErrnoException).code ?? errorText(error);
  return new DbError(codes[errno] ?? 'io_error', `${operation} ${path}: ${texts[errno] ?? errno}`, {
    cause: error,
  });
}

export function isErrno(error: unknown, errno: string): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === errno;
}
