import { constants, gunzip, gunzipSync, type ZlibOptions } from 'node:zlib';
import { DbError, errorText } from '../../base/errors.ts';

/** Off the main thread. Errors as Jobs says. */
export function gunzipBytes(bytes: Uint8Array, lengthBytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (bytes.length === 0) {
      reject(new DbError('invalid_argument', 'EOF'));
      return;
    }
    gunzip(bytes, options(lengthBytesMax), (error, output) => {
      if (error === null) resolve(output);
      else reject(gunzipError(error, lengthBytesMax));
    });
  });
}

/** The same on this thread: deterministic, for the simulation. */
export function gunzipBytesSync(bytes: Uint8Array, lengthBytesMax: number): Uint8Array {
  if (bytes.length === 0) throw new DbError('invalid_argument', 'EOF');
  try {
    return gunzipSync(bytes, options(lengthBytesMax));
  } catch (error) {
    throw gunzipError(error, lengthBytesMax);
  }
}

function options(lengthBytesMax: number): ZlibOptions {
  return { maxOutputLength: Math.max(1, lengthBytesMax), finishFlush: constants.Z_FINISH };
}

/** The texts are those of Go's compress/gzip, which the reference passes on. */
function gunzipError(error: unknown, lengthBytesMax: number): DbError {
  const { code } = error as NodeJS.ErrnoException;
  const text = errorText(error);
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new DbError('too_large', `gzip: more than ${lengthBytesMax} bytes`, { cause: error });
  }
  const goText =
    code === 'Z_BUF_ERROR'
      ? 'unexpected EOF'
      : text === 'incorrect header check'
        ? 'gzip: invalid header'
        : text === 'incorrect data check' || text === 'incorrect length check'
          ? 'gzip: invalid checksum'
          : `gzip: ${text}`;
  return new DbError('invalid_argument', goText, { cause: error });
}
