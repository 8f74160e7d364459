import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGunzip, gzip, type ZlibOptions } from 'node:zlib';
import type { Compress, CompressingLevel } from '../backup/gzip-blocks.ts';
import type { Decompress } from '../backup/shard-archive.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';

const compressOne = promisify(gzip);
/** What a shard has in files gets hardly smaller by more work: texts of hexadecimal digits 0.54 of their size, 0.51 by codes alone. */
const levels = {
  default: { level: constants.Z_BEST_SPEED },
  entropy: { level: constants.Z_BEST_SPEED, strategy: constants.Z_HUFFMAN_ONLY },
  full: { level: constants.Z_BEST_COMPRESSION },
  speedy: { level: constants.Z_BEST_SPEED },
} as const satisfies Record<CompressingLevel, ZlibOptions>;
const outputBytes = 256 * 1024;

/** One gzip member, made on another thread. */
export const compress: Compress = (block, level) =>
  compressOne(block, { ...levels[level], chunkSize: outputBytes });

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
