import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGunzip, gzip } from 'node:zlib';
import type { Compress } from '../backup/gzip-blocks.ts';
import type { Decompress } from '../backup/shard-archive.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';

const compressOne = promisify(gzip);
const levels = {
  // What a shard has in files gets hardly smaller by more work: texts of hexadecimal digits 0.56 of their size either way.
  default: constants.Z_BEST_SPEED,
  full: constants.Z_BEST_COMPRESSION,
  speedy: constants.Z_BEST_SPEED,
} as const;
const outputBytes = 256 * 1024;

/** One gzip member, made on another thread. */
export const compress: Compress = (block, level) =>
  compressOne(block, { level: levels[level], chunkSize: outputBytes });

/** Throws `corrupt` for what is no gzip, and what the pieces throw. */
export const decompress: Decompress = async function* (pieces) {
  const output = new PassThrough({ highWaterMark: outputBytes });
  const inflate = createGunzip({ chunkSize: outputBytes });
  const run = pipeline(Readable.from(pieces), inflate, output);
  run.catch(() => undefined);
  try {
    yield* output as AsyncIterable<Uint8Array>;
    await run;
  } catch (error) {
    if (isDbError(error)) throw error;
    throw new DbError('corrupt', `gzip: ${errorText(error)}`, { cause: error });
  }
};
