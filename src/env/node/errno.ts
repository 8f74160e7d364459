import { DbError, type DbErrorCode, errorText } from '../../base/errors.ts';

const codes: Readonly<Record<string, DbErrorCode>> = {
  ENOENT: 'not_found',
  EEXIST: 'already_exists',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
};

/** The DbError of a failed file operation: what was done, the path and the errno. */
export function diskError(operation: string, path: string, error: unknown): DbError {
  if (error instanceof DbError) return error;
  const errno = (error as NodeJS.ErrnoException).code ?? errorText(error);
  return new DbError(codes[errno] ?? 'io_error', `${operation} ${path}: ${errno}`, {
    cause: error,
  });
}

export function isErrno(error: unknown, errno: string): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === errno;
}
