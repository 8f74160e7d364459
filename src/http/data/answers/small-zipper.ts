/**
 * Zips small answers with one compressor, again and again: one made for each takes longer to set up than to run, and V8 counts
 * the memory of each as a reason to collect its whole heap.
 *
 * Node documents no way to run a compressor to its end at once and to use it again. What that needs is looked for and not
 * assumed: without it each answer gets a compressor of its own.
 */
import { Buffer } from 'node:buffer';
import { constants, createGzip, gzipSync } from 'node:zlib';

interface ZipHandle {
  reset(): void;
  writeSync(flush: number, from: Uint8Array, at: number, lengthBytes: number, to: Uint8Array, toAt: number, toBytes: number): void; // prettier-ignore
}

interface Zipper {
  readonly _handle?: Partial<ZipHandle> | null;
  /** Of the output and of the input: bytes that are left. */
  readonly _writeState?: Uint32Array;
}

const level = 1;
/** What zipping may add to bytes that do not get smaller. */
const addedBytesMax = 1_024;

export class SmallZipper {
  readonly #handle: ZipHandle | undefined;
  readonly #left: Uint32Array;
  readonly #room: Buffer;

  constructor(bytesMax: number, made: Zipper = createGzip({ level }) as unknown as Zipper) {
    this.#room = Buffer.allocUnsafeSlow(bytesMax + addedBytesMax);
    const { _handle: handle, _writeState: left } = made;
    const isUsable = typeof handle?.reset === 'function' && typeof handle.writeSync === 'function';
    this.#handle = isUsable && left instanceof Uint32Array ? (handle as ZipHandle) : undefined;
    this.#left = left ?? new Uint32Array(2);
  }

  /** Whether Node has what this needs. */
  get isReused(): boolean {
    return this.#handle !== undefined;
  }

  zip(bytes: Uint8Array): Buffer {
    const handle = this.#handle;
    if (handle === undefined) return gzipSync(bytes, { level });
    const room = this.#room;
    handle.reset();
    handle.writeSync(constants.Z_FINISH, bytes, 0, bytes.length, room, 0, room.length);
    const [leftRoom = 0, leftBytes = 0] = this.#left;
    if (leftBytes > 0 || leftRoom === 0) return gzipSync(bytes, { level });
    return Buffer.from(room.subarray(0, room.length - leftRoom));
  }
}
