import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';

const zipInThreadPool = promisify(gzip);
/** Below it compressing takes less time than handing the bytes to another thread. */
const smallBytesMax = 16_384;
const windowBitsMin = 9;

/** The answer as gzip. A small one gets a window of its own size: the usual one costs more to set up than to fill. */
export async function zipAnswer(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length > smallBytesMax) return zipInThreadPool(bytes, { level: 1 });
  const windowBits = Math.max(windowBitsMin, 32 - Math.clz32(bytes.length));
  return gzipSync(bytes, { level: 1, windowBits, memLevel: 4, chunkSize: Math.max(1_024, bytes.length + 64) }); // prettier-ignore
}
